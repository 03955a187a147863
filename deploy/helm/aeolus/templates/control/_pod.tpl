{{- define "aeolus.control.pod" -}}
{{- $v := .Values.control -}}
{{- $houston := include "aeolus.houston" . | fromJson -}}
{{- $config := include "aeolus.control.config" . | fromYaml -}}
metadata:
  labels:
    {{- include "aeolus.labels" (dict "root" . "part" "control") | nindent 4 }}
    {{- with $v.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # How people sign in takes effect without a restart; whatever else changes needs one.
    checksum/config: {{ omit $config "auth" "astronomer" | toJson | sha256sum }}
    {{- with $v.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "aeolus.podCommon" (dict "root" . "part" "control" "values" $v "account" (include "aeolus.control.name" .)) | nindent 2 }}
  {{- if $v.root.secretName }}
  initContainers:
    - name: root
      image: {{ include "aeolus.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      # Control writes into this folder, and a mounted Secret can't be written into.
      command: [sh, -euc]
      args:
        - |
          from=/run/aeolus/root to=/var/lib/aeolus/control/root
          mkdir -p -m 0700 "$to"
          for name in root.json root.key snapshot.key; do
            if [ -e "$from/$name" ]; then install -m 0600 "$from/$name" "$to/$name"; fi
          done
      securityContext:
        {{- include "aeolus.containerSecurity" . | nindent 8 }}
      resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 64Mi}}
      volumeMounts:
        - {name: state, mountPath: /var/lib/aeolus}
        - {name: root, mountPath: /run/aeolus/root, readOnly: true}
  {{- end }}
  containers:
    - name: control
      image: {{ include "aeolus.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      command: [aeolus]
      args: [control, serve, --config, /etc/aeolus/aeolus.yaml]
      env:
        {{- include "aeolus.environment" (dict "path" "control" "env" $v.env "secret" $v.secret) | nindent 8 }}
        {{- include "aeolus.environment" (dict "path" "houston" "env" $houston.env "secret" $houston.secret) | nindent 8 }}
      ports:
        - {name: http, containerPort: 8800, protocol: TCP}
        - {name: metrics, containerPort: 8801, protocol: TCP}
      {{- include "aeolus.probes" (dict "tls" $v.tls) | nindent 6 }}
      lifecycle:
        # Until every proxy has taken this pod off its list.
        preStop: {sleep: {seconds: 5}}
      securityContext:
        {{- include "aeolus.containerSecurity" . | nindent 8 }}
      resources:
        {{- toYaml $v.resources | nindent 8 }}
      # Whole folders, never subPath: only those follow a Secret that was renewed.
      volumeMounts:
        - {name: config, mountPath: /etc/aeolus, readOnly: true}
        - {name: master-key, mountPath: /run/aeolus/master-key, readOnly: true}
        {{- if eq $v.database.kind "postgresql" }}
        - {name: database, mountPath: /run/aeolus/database, readOnly: true}
        {{- end }}
        {{- if $v.tls.secretName }}
        - {name: tls, mountPath: /run/aeolus/tls, readOnly: true}
        {{- end }}
        - {name: state, mountPath: /var/lib/aeolus}
        - {name: tmp, mountPath: /tmp}
        {{- include "aeolus.authorities.mount" . | nindent 8 }}
  volumes:
    - name: config
      configMap: {name: {{ include "aeolus.control.name" . }}}
    - name: master-key
      secret:
        secretName: {{ $v.masterKey.secretName }}
        defaultMode: 0440
        items: [{key: {{ $v.masterKey.secretKey }}, path: key}]
    {{- if eq $v.database.kind "postgresql" }}
    - name: database
      secret:
        secretName: {{ $v.database.secretName }}
        defaultMode: 0440
        items: [{key: {{ $v.database.secretKey }}, path: url}]
    - name: state
      emptyDir: {sizeLimit: 64Mi}
    {{- end }}
    {{- if $v.tls.secretName }}
    - name: tls
      secret: {secretName: {{ $v.tls.secretName }}, defaultMode: 0440}
    {{- end }}
    {{- if $v.root.secretName }}
    - name: root
      secret: {secretName: {{ $v.root.secretName }}, defaultMode: 0440}
    {{- end }}
    - name: tmp
      emptyDir: {sizeLimit: 64Mi}
    {{- include "aeolus.authorities.volume" . | nindent 4 }}
{{- end -}}
