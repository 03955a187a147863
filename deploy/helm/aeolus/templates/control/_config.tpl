{{/*
control's configuration: what the chart decides, overruled by `control.config`, and the original's sign-in section as it is
written (the program reads it in both schemas of the field, rows B7 and B8).
*/}}
{{- define "aeolus.control.config" -}}
{{- $v := .Values.control -}}
{{- $houston := include "aeolus.houston" . | fromJson -}}
{{- include "aeolus.refuseSecrets" (dict "path" "control.config" "value" $v.config) -}}
{{- include "aeolus.refuseSecrets" (dict "path" "houston.config" "value" (default dict $houston.config)) -}}
{{- if and (hasKey $v.config "auth") (hasKey (default dict $houston.config) "auth") -}}
{{- fail "control.config.auth and houston.config.auth both say how people sign in. Keep one: move what stands below houston.config.auth to control.config.auth, where an absent flow means code." -}}
{{- end -}}
{{- $control := dict "listen" "0.0.0.0:8800" "metrics" "0.0.0.0:8801" "publicUrl" (include "aeolus.publicUrl" .) -}}
{{- if $v.ingress.enabled -}}{{- $_ := set $control "trustedHops" 1 -}}{{- end -}}
{{- if $v.tls.secretName -}}
{{- $_ := set $control "tls" (dict "certificate" "/run/aeolus/tls/tls.crt" "key" "/run/aeolus/tls/tls.key" "listeners" $v.tls.listeners) -}}
{{- end -}}
{{- $database := dict "url" "sqlite:/var/lib/aeolus/control/aeolus.db" -}}
{{- if eq $v.database.kind "postgresql" -}}{{- $_ := set $database "url" (dict "file" "/run/aeolus/database/url") -}}{{- end -}}
{{- $keys := dict "masterKey" (dict "file" "/run/aeolus/master-key/key") "rootDir" "/var/lib/aeolus/control/root" -}}
{{- $base := dict "control" $control "database" $database "keys" $keys "observability" (dict "logFormat" "json") -}}
{{- $authorities := include "aeolus.authorities.files" . | fromJsonArray -}}
{{- if $authorities -}}{{- $_ := set $base "tls" (dict "privateCaCerts" $authorities) -}}{{- end -}}
{{- $config := mergeOverwrite $base (deepCopy $v.config) -}}
{{- $original := pick $houston "config" "regenerateCaEachUpgrade" -}}
{{- if $original -}}{{- $_ := set $config "astronomer" (dict "houston" $original) -}}{{- end -}}
{{- toYaml $config -}}
{{- end -}}
