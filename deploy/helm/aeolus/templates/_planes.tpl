{{/* What runs here: a control plane, a data plane, or both (row L1). Empty is no. */}}
{{- define "aeolus.has.control" -}}{{ if ne .Values.global.plane.mode "data" }}yes{{ end }}{{- end -}}
{{- define "aeolus.has.gate" -}}{{ if ne .Values.global.plane.mode "control" }}yes{{ end }}{{- end -}}

{{/* The domain of this plane: a data plane has its prefix before the base domain (row K13). */}}
{{- define "aeolus.domain" -}}
{{- with .Values.global -}}
{{- if and .baseDomain .plane.domainPrefix (eq .plane.mode "data") -}}{{ .plane.domainPrefix }}.{{ .baseDomain }}
{{- else -}}{{ .baseDomain }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* Where everybody reaches control: the issuer of every token, over https, since gates and commands send nothing in the clear. */}}
{{- define "aeolus.publicUrl" -}}
{{- if .Values.control.publicUrl -}}{{ .Values.control.publicUrl | trimSuffix "/" }}
{{- else if .Values.global.baseDomain -}}https://houston.{{ .Values.global.baseDomain }}
{{- else if .Values.control.tls.secretName -}}https://{{ include "aeolus.control.name" . }}.{{ .Release.Namespace }}.svc.cluster.local:{{ .Values.control.service.port }}
{{- else if include "aeolus.has.control" . -}}
{{- fail "control.publicUrl is missing: name the https URL under which browsers, gates and commands reach control, or the domain of the original's hosts in global.baseDomain." -}}
{{- end -}}
{{- end -}}

{{- define "aeolus.publicHost" -}}{{ (urlParse (include "aeolus.publicUrl" .)).host | splitList ":" | first }}{{- end -}}

{{/* Hosts that lead to control with every path, as JSON. */}}
{{- define "aeolus.control.hosts" -}}
{{- $hosts := list (include "aeolus.publicHost" .) -}}
{{- with .Values.global.baseDomain -}}{{- $hosts = concat $hosts (list (print "houston." .) (print "app." .)) -}}{{- end -}}
{{- concat $hosts .Values.control.ingress.hosts | uniq | toJson -}}
{{- end -}}

{{- define "aeolus.tlsSecret" -}}
{{- if .own -}}{{ .own }}
{{- else if .root.Values.global.tlsSecret -}}{{ .root.Values.global.tlsSecret }}
{{- else if .root.Values.certManager.enabled -}}{{ include "aeolus.fullname" .root }}-tls
{{- end -}}
{{- end -}}
