{{/*
The original's values: `astronomer.houston` and, as its pages write it, `houston` at the top; the former wins. As JSON.
*/}}
{{- define "aeolus.houston" -}}
{{- $top := deepCopy (default dict .Values.houston) -}}
{{- $below := deepCopy (default dict (default dict .Values.astronomer).houston) -}}
{{- mergeOverwrite $top $below | toJson -}}
{{- end -}}

{{/* The config syncer's settings: `configSyncer`, overruled by `astronomer.configSyncer` (row K5). As JSON. */}}
{{- define "aeolus.syncer" -}}
{{- $own := deepCopy .Values.configSyncer -}}
{{- $original := deepCopy (default dict (default dict .Values.astronomer).configSyncer) -}}
{{- $found := mergeOverwrite $own (pick $original "enabled" "schedule" "resources") -}}
{{- $pools := default dict (default dict (default dict .Values.global.features).namespacePools) -}}
{{- $newer := default dict (default dict (default dict .Values.global.namespaceManagement).namespacePools) -}}
{{- range list $newer $pools -}}
{{- if and .enabled (not $found.targetNamespaces) -}}
{{- $_ := set $found "targetNamespaces" (default list (default dict .namespaces).names) -}}
{{- if not $found.targetNamespaces -}}
{{- fail "namespacePools is enabled without namespaces.names: the config syncer would have rights nowhere. Name the namespaces, or turn the pool off." -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $_ := set $found "release" (default .Release.Name $found.release) -}}
{{- $found | toJson -}}
{{- end -}}

{{/* Whether the CronJob runs: data planes and unified ones alone have deployments (row K10). */}}
{{- define "aeolus.syncer.cron" -}}
{{- $syncer := include "aeolus.syncer" . | fromJson -}}
{{- if and $syncer.enabled (include "aeolus.has.gate" .) }}yes{{ end -}}
{{- end -}}

{{- define "aeolus.syncer.sidecar" -}}
{{- $syncer := include "aeolus.syncer" . | fromJson -}}
{{- if and $syncer.enabled $syncer.sidecar.enabled (include "aeolus.has.gate" .) }}yes{{ end -}}
{{- end -}}

{{/* Keys of the original that have no effect here, one line each: what it is, and why. */}}
{{- define "aeolus.ignored" -}}
{{- $why := dict
  "upgradeDeployments" "an upgrade of Aeolus restarts no Airflow"
  "jwtSigningKeySecretName" "take that key and its certificate with `aeolus key import`"
  "jwtSigningCertificateSecretName" "take that key and its certificate with `aeolus key import`"
  "jwks" "the key set is always served"
  "strictSchemaCheck" "unknown keys are always errors" -}}
{{- $known := list "config" "secret" "env" "regenerateCaEachUpgrade" -}}
{{- range $key := keys (include "aeolus.houston" . | fromJson) | sortAlpha -}}
{{- if not (has $key $known) }}
houston.{{ $key }}: {{ default "it is about how the original runs" (get $why $key) }}
{{- end -}}
{{- end -}}
{{- range $key := keys (default dict .Values.astronomer) | sortAlpha -}}
{{- if not (has $key (list "houston" "configSyncer")) }}
astronomer.{{ $key }}: it is a part of the original that Aeolus has no counterpart of
{{- end -}}
{{- end -}}
{{- $global := list "plane" "baseDomain" "tlsSecret" "privateCaCerts" "features" "namespaceManagement" -}}
{{- range $key := keys .Values.global | sortAlpha -}}
{{- if eq $key "privateCaCertsAddToHost" }}
global.privateCaCertsAddToHost: a chart should not change what nodes trust; set it up where you set up nodes
{{- else if eq $key "authSidecar" }}
global.authSidecar: the gate takes its place; deploy/ of the sources has a folder for each proxy that asks it
{{- else if not (has $key $global) }}
global.{{ $key }}: it is about how the original runs
{{- end -}}
{{- end -}}
{{- range $key := list "nginx" "tags" "postgresql" "nats" "stan" "fluentd" "vector" "elasticsearch" "kibana" "grafana" "prometheus" "alertmanager" "airflow-operator" "pgbouncer" "external-es-proxy" "kube-state" -}}
{{- if hasKey $.Values $key }}
{{ $key }}: it is a part of the original that Aeolus has no counterpart of
{{- end -}}
{{- end -}}
{{- end -}}
