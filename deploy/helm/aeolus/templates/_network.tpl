{{/* Name resolution, which everything needs. */}}
{{- define "aeolus.network.dns" -}}
- to:
    - namespaceSelector: {}
      podSelector: {matchLabels: {k8s-app: kube-dns}}
  ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- end -}}

{{- define "aeolus.network.ports" -}}
{{- range . }}
- {port: {{ int . }}, protocol: TCP}
{{- end }}
{{- end -}}

{{/* (dict "root" $ "part" "control" "name" NAME): the head of one policy. */}}
{{- define "aeolus.network.head" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "aeolus.labels" (dict "root" .root "part" .part) | nindent 4 }}
spec:
  policyTypes: [Ingress, Egress]
  podSelector:
    matchLabels:
      {{- include "aeolus.selector" (dict "root" .root "part" .part) | nindent 6 }}
{{- end -}}
