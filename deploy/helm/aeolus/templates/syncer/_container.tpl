{{/* Arguments of one pass (row K10), as a YAML list. */}}
{{- define "aeolus.syncer.args" -}}
{{- $syncer := include "aeolus.syncer" . | fromJson -}}
- kube
- sync
- --source-namespace
- {{ .Release.Namespace }}
{{- with $syncer.targetNamespaces }}
- --target-namespaces
- {{ join "," . }}
{{- end }}
- --release
- {{ $syncer.release }}
{{- with $syncer.selector }}
- --selector
- {{ . | quote }}
{{- end }}
{{- if $syncer.strict }}
- --strict
{{- end }}
{{- range $syncer.copyLabels }}
- --copy-label
- {{ . | quote }}
{{- end }}
{{- end -}}

{{/* What a pod shows the Kubernetes API; only the container that mounts it has it. */}}
{{- define "aeolus.syncer.tokenVolume" -}}
- name: kubernetes
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3600}
      - configMap:
          name: kube-root-ca.crt
          items: [{key: ca.crt, path: ca.crt}]
      - downwardAPI:
          items: [{path: namespace, fieldRef: {apiVersion: v1, fieldPath: metadata.namespace}}]
{{- end -}}

{{- define "aeolus.syncer.tokenMount" -}}
- {name: kubernetes, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
{{- end -}}

{{/* Beside the gate: it watches, and writes the plane's public certificates as the gate's verified replica has them (row X5). */}}
{{- define "aeolus.syncer.sidecarContainer" -}}
{{- $syncer := include "aeolus.syncer" . | fromJson -}}
- name: config-syncer
  image: {{ include "aeolus.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: [aeolus]
  args:
    {{- include "aeolus.syncer.args" . | nindent 4 }}
    - --watch
    - --data
    - /var/lib/aeolus/gate
    - --metrics-listen
    - 0.0.0.0:8820
  ports:
    - {name: sync-metrics, containerPort: 8820, protocol: TCP}
  securityContext:
    {{- include "aeolus.containerSecurity" . | nindent 4 }}
  resources:
    {{- toYaml $syncer.resources | nindent 4 }}
  volumeMounts:
    {{- include "aeolus.syncer.tokenMount" . | nindent 4 }}
    - {name: state, mountPath: /var/lib/aeolus, readOnly: true}
    - {name: tmp, mountPath: /tmp}
{{- end -}}
