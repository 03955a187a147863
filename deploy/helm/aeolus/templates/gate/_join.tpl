{{/* Makes a replica of the plane out of an empty volume, once: from a copy of another replica's identity, or by a join token. */}}
{{- define "aeolus.gate.join" -}}
data=/var/lib/aeolus/gate
if [ ! -e "$data/gate.json" ] && [ -e /run/aeolus/identity/gate.json ]; then
  mkdir -p -m 0700 "$data"
  # The settings last: they make a folder a gate's.
  for name in root.json identity.key secret.json gate.json; do
    install -m 0600 "/run/aeolus/identity/$name" "$data/$name"
  done
elif [ ! -e "$data/gate.json" ]; then
  if [ ! -s /run/aeolus/join/token ]; then
    echo "This gate belongs to no plane yet. Run: aeolus plane add NAME, and put the token that it prints into the Secret {{ .Values.gate.join.secretName }}, key {{ .Values.gate.join.secretKey }}." >&2
    exit 1
  fi
  aeolus gate enroll --config /etc/aeolus/aeolus.yaml --data "$data" --token-file /run/aeolus/join/token
fi
# A volume that was moved may come back readable for its group, and a gate refuses that.
chmod -R go= "$data"
{{- end -}}
