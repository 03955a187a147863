{{/* The gate's configuration: what the chart decides, overruled by `gate.config`. */}}
{{- define "aeolus.gate.config" -}}
{{- $v := .Values.gate -}}
{{- include "aeolus.refuseSecrets" (dict "path" "gate.config" "value" $v.config) -}}
{{- $gate := dict "data" "/var/lib/aeolus/gate" "proxy" "0.0.0.0:8808" "metrics" "0.0.0.0:8819" -}}
{{- $_ := set $gate "checks" (list "0.0.0.0:8810") -}}
{{- $_ := set $gate "checksFrom" $v.checksFrom -}}
{{- $_ := set $gate "proxySecret" (dict "file" "/run/aeolus/proxy/secret") -}}
{{- if gt (int $v.replicas) 1 -}}
{{- $scheme := ternary "https://" "" (and (ne $v.tls.secretName "") (has "siblings" $v.tls.listeners)) -}}
{{- $peers := printf "%s%s-replicas.%s.svc.cluster.local:8813" $scheme (include "aeolus.gate.name" .) .Release.Namespace -}}
{{- $_ := set $gate "siblings" (dict "listen" "0.0.0.0:8813" "peers" (list $peers)) -}}
{{- end -}}
{{- if $v.tls.secretName -}}
{{- $_ := set $gate "tls" (dict "certificate" "/run/aeolus/tls/tls.crt" "key" "/run/aeolus/tls/tls.key" "listeners" $v.tls.listeners) -}}
{{- end -}}
{{- $base := dict "gate" $gate "limits" (dict "drainDelay" $v.drainDelay) "observability" (dict "logFormat" "json") -}}
{{- $authorities := include "aeolus.authorities.files" . | fromJsonArray -}}
{{- if $authorities -}}{{- $_ := set $base "tls" (dict "privateCaCerts" $authorities) -}}{{- end -}}
{{- mergeOverwrite $base (deepCopy $v.config) | toYaml -}}
{{- end -}}
