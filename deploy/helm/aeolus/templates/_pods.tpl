{{- define "aeolus.podSecurity" -}}
runAsNonRoot: true
{{- range $key, $value := .Values.podSecurity }}
{{- if not (kindIs "invalid" $value) }}
{{ $key }}: {{ $value }}
{{- end }}
{{- end }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "aeolus.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
privileged: false
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Called with (dict "root" $ "part" "control" "values" .Values.control "account" NAME). */}}
{{- define "aeolus.podCommon" -}}
serviceAccountName: {{ .account }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .values.terminationGracePeriodSeconds }}
securityContext:
  {{- include "aeolus.podSecurity" .root | nindent 2 }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
{{- if .values.topologySpreadConstraints }}
  {{- toYaml .values.topologySpreadConstraints | nindent 2 }}
{{- else }}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "aeolus.selector" $ | nindent 8 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Probes ask the listener of the figures: it is there with and without mutual TLS elsewhere. (dict "tls" TLS "kind" "metrics") */}}
{{- define "aeolus.probes" -}}
{{- $scheme := ternary "HTTPS" "HTTP" (and (ne .tls.secretName "") (has "metrics" .tls.listeners)) -}}
startupProbe:
  httpGet: {path: /livez, port: metrics, scheme: {{ $scheme }}}
  periodSeconds: 2
  failureThreshold: 90
livenessProbe:
  httpGet: {path: /livez, port: metrics, scheme: {{ $scheme }}}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: metrics, scheme: {{ $scheme }}}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
{{- end -}}

{{/* A company's own authorities, as files where the original mounts them (row K12). */}}
{{- define "aeolus.authorities.volume" -}}
{{- with .Values.global.privateCaCerts }}
- name: authorities
  projected:
    sources:
      {{- range . }}
      - secret:
          name: {{ . }}
          items: [{key: cert.pem, path: {{ . }}.pem}]
      {{- end }}
{{- end }}
{{- end -}}

{{- define "aeolus.authorities.mount" -}}
{{- if .Values.global.privateCaCerts }}
- {name: authorities, mountPath: /usr/local/share/ca-certificates, readOnly: true}
{{- end }}
{{- end -}}

{{- define "aeolus.authorities.files" -}}
{{- $files := list -}}
{{- range .Values.global.privateCaCerts -}}{{- $files = append $files (printf "/usr/local/share/ca-certificates/%s.pem" .) -}}{{- end -}}
{{- $files | toJson -}}
{{- end -}}
