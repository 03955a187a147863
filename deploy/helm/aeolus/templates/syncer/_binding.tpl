{{/* What a source's wish to have a workload restarted needs; called with the syncer's settings. */}}
{{- define "aeolus.syncer.restart" -}}
{{- if .restart }}
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets]
  verbs: [get, patch]
{{- end }}
{{- end -}}

{{/* (dict "root" $ "kind" "Role" "name" NAME "namespace" NAMESPACE "accounts" LIST); without a namespace for the cluster. */}}
{{- define "aeolus.syncer.binding" }}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "aeolus.labels" (dict "root" .root "part" "config-syncer") | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name }}
subjects:
  {{- range .accounts }}
  - kind: ServiceAccount
    name: {{ . }}
    namespace: {{ $.root.Release.Namespace }}
  {{- end }}
{{- end -}}
