{{/*
Refuses a secret that is written where a ConfigMap or a pod would show it. Called with (dict "path" "control.config" "value" VALUE).
The names are those that the program's own schema marks as secrets.
*/}}
{{- define "aeolus.refuseSecrets" -}}
{{- $path := .path -}}
{{- if kindIs "map" .value -}}
{{- range $key, $below := .value -}}
{{- include "aeolus.refuseSecrets" (dict "path" (printf "%s.%s" $path $key) "value" $below) -}}
{{- end -}}
{{- else if kindIs "slice" .value -}}
{{- range $at, $below := .value -}}
{{- include "aeolus.refuseSecrets" (dict "path" (printf "%s.%d" $path $at) "value" $below) -}}
{{- end -}}
{{- else if and (kindIs "string" .value) .value -}}
{{- if regexMatch "\\.(clientSecret|scimAuthCode|masterKey|proxySecret|proxySecretBefore|smtpUrl|email\\.smtp\\.auth\\.pass|firstAdmin\\.password|webhook\\.secret|externalAccount\\.key|scimEvents\\.authorization)$" $path -}}
{{- include "aeolus.refused" $path -}}
{{- else if and (regexMatch "\\.database\\.url$" $path) (not (hasPrefix "sqlite:" .value)) -}}
{{- include "aeolus.refused" $path -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "aeolus.refused" -}}
{{- fail (printf "%s is a secret, and everybody who can read ConfigMaps would read it. Put it into a Secret, name that below `secret` (envName, secretName, secretKey), and leave this key out or write {env: NAME}." .) -}}
{{- end -}}

{{/* Environment: (dict "path" "control" "env" LIST "secret" LIST). A variable that holds a secret comes from a Secret (row B3). */}}
{{- define "aeolus.environment" -}}
{{- $path := .path -}}
{{- range .env }}
{{- if regexMatch "(SECRET|SECRET_BEFORE|PASSWORD|__PASS|AUTH_CODE|SCIM_AUTH_CODE_[A-Z]+|MASTER_KEY|SMTP_URL|DATABASE__URL|TOKEN|EXTERNAL_ACCOUNT__KEY|SCIM_EVENTS__AUTHORIZATION)$" .name }}
{{- fail (printf "%s.env: %s is a secret, and everybody who can read pods would read it. Put it into a Secret and name that below %s.secret (envName, secretName, secretKey)." $path .name $path) }}
{{- end }}
{{- if regexMatch "://[^/@]*:[^/@]*@" (toString .value) }}
{{- fail (printf "%s.env: the URL in %s holds a password. Put it into a Secret and name that below %s.secret (envName, secretName, secretKey)." $path .name $path) }}
{{- end }}
- name: {{ .name }}
  value: {{ toString .value | quote }}
{{- end }}
{{- range .secret }}
- name: {{ .envName }}
  valueFrom:
    secretKeyRef:
      name: {{ .secretName }}
      key: {{ default "value" .secretKey }}
{{- end }}
{{- end -}}
