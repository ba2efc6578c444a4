{{- define "tempor8.name" -}}
{{- if contains "tempor8" .Release.Name -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{- else -}}{{ printf "%s-tempor8" .Release.Name | trunc 40 | trimSuffix "-" }}{{- end -}}
{{- end -}}

{{- define "tempor8.selector" -}}
app.kubernetes.io/name: tempor8
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "tempor8.labels" -}}
{{ include "tempor8.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "tempor8.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "tempor8.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}{{ .Values.serviceAccount.name | default (include "tempor8.name" .) }}{{- else -}}{{ .Values.serviceAccount.name | default "default" }}{{- end -}}
{{- end -}}

{{- /* The deployment in Temporal's sense. Temporal's controller names it itself. */ -}}
{{- define "tempor8.deployment" -}}
{{- if .Values.worker.controller.enabled -}}{{ .Release.Namespace }}/{{ include "tempor8.name" . }}-worker{{- else -}}{{ index .Values.env "TEMPOR8_DEPLOYMENT" | default (include "tempor8.name" .) }}{{- end -}}
{{- end -}}

{{- /* Settings of every process but secrets. */ -}}
{{- define "tempor8.settings" -}}
TEMPORAL_ADDRESS: {{ required "temporal.address: host:port of Temporal's frontend" .Values.temporal.address | quote }}
TEMPORAL_NAMESPACE: {{ .Values.temporal.namespace | quote }}
TEMPOR8_TASK_QUEUE: {{ .Values.temporal.taskQueue | quote }}
TEMPOR8_DEPLOYMENT: {{ include "tempor8.deployment" . | quote }}
TEMPOR8_HOST: "0.0.0.0"
TEMPOR8_PORT: "8202"
TEMPOR8_METRICS_ADDRESS: {{ printf "0.0.0.0:%v" .Values.metrics.port | quote }}
TEMPOR8_GRACE: {{ .Values.worker.graceSeconds | quote }}
{{- if or .Values.temporal.tls .Values.temporal.apiKeySecret .Values.temporal.tlsSecret }}
TEMPORAL_TLS: "1"
{{- end }}
{{- with .Values.temporal.uiUrl }}
TEMPORAL_UI_URL: {{ . | quote }}
{{- end }}
{{- if .Values.temporal.tlsSecret }}
TEMPORAL_TLS_CERT: /etc/temporal-tls/tls.crt
TEMPORAL_TLS_KEY: /etc/temporal-tls/tls.key
{{- end }}
{{- with .Values.worker.tenants }}
TEMPOR8_TENANT_QUEUES: {{ keys . | sortAlpha | join "," | quote }}
{{- end }}
{{- range $name, $value := omit .Values.env "TEMPOR8_DEPLOYMENT" }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- /* Secrets reach a process by reference; the owner's address of the database reaches the migration alone. */ -}}
{{- define "tempor8.env" -}}
envFrom:
  - configMapRef: { name: {{ include "tempor8.name" . }} }
  - secretRef: { name: {{ required "secret: the name of a Secret with DATABASE_URL, DATABASE_ADMIN_URL and TEMPOR8_MASTER_KEY" .Values.secret }} }
{{- end -}}

{{- define "tempor8.apiKey" -}}
{{- with .Values.temporal.apiKeySecret }}
- name: TEMPORAL_API_KEY
  valueFrom: { secretKeyRef: { name: {{ . }}, key: api-key } }
{{- end }}
{{- end -}}

{{- define "tempor8.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "tempor8.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{- define "tempor8.mounts" -}}
- { name: tmp, mountPath: /tmp }
{{- if .Values.temporal.tlsSecret }}
- { name: temporal-tls, mountPath: /etc/temporal-tls, readOnly: true }
{{- end }}
{{- end -}}

{{- define "tempor8.volumes" -}}
- { name: tmp, emptyDir: {} }
{{- with .Values.temporal.tlsSecret }}
- { name: temporal-tls, secret: { secretName: {{ . }} } }
{{- end }}
{{- end -}}

{{- /* The beginning of each pod's spec. Argument: the root context. */ -}}
{{- define "tempor8.pod" -}}
serviceAccountName: {{ include "tempor8.serviceAccount" . }}
automountServiceAccountToken: {{ hasKey .Values.env "VAULT_KUBERNETES_ROLE" }}
securityContext:
  {{- include "tempor8.podSecurity" . | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - { name: {{ . }} }
  {{- end }}
{{- end }}
volumes:
  {{- include "tempor8.volumes" . | nindent 2 }}
{{- end -}}

{{- /* A worker's pod template. Arguments: root, component, command. */ -}}
{{- define "tempor8.workerTemplate" -}}
{{- $root := .root -}}
metadata:
  labels:
    {{- include "tempor8.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
  annotations:
    checksum/settings: {{ include "tempor8.settings" $root | sha256sum }}
    {{- with $root.Values.worker.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "tempor8.pod" $root | nindent 2 }}
  terminationGracePeriodSeconds: {{ add $root.Values.worker.graceSeconds 15 }}
  containers:
    - name: worker
      image: {{ include "tempor8.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args: {{ toJson .command }}
      {{- include "tempor8.env" $root | nindent 6 }}
      env:
        # overrides the Secret: a worker never has the owner's address
        - { name: DATABASE_ADMIN_URL, value: "" }
        {{- include "tempor8.apiKey" $root | nindent 8 }}
      ports: [{ name: metrics, containerPort: {{ $root.Values.metrics.port }} }]
      # the port is served by the process that polls; its watchdog ends a process that stands still
      startupProbe: { httpGet: { path: /metrics, port: metrics }, periodSeconds: 5, failureThreshold: 36 }
      livenessProbe: { httpGet: { path: /metrics, port: metrics }, periodSeconds: 20, timeoutSeconds: 5, failureThreshold: 6 }
      readinessProbe: { httpGet: { path: /metrics, port: metrics }, periodSeconds: 10, timeoutSeconds: 5 }
      resources:
        {{- toYaml $root.Values.worker.resources | nindent 8 }}
      securityContext:
        {{- include "tempor8.containerSecurity" $root | nindent 8 }}
      volumeMounts:
        {{- include "tempor8.mounts" $root | nindent 8 }}
  {{- with $root.Values.worker.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.worker.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.worker.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- /* An API's pod template. Arguments: root, component, command, resources. */ -}}
{{- define "tempor8.apiTemplate" -}}
{{- $root := .root -}}
metadata:
  labels:
    {{- include "tempor8.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
  annotations:
    checksum/settings: {{ include "tempor8.settings" $root | sha256sum }}
    {{- with $root.Values.api.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "tempor8.pod" $root | nindent 2 }}
  terminationGracePeriodSeconds: {{ $root.Values.api.terminationGracePeriodSeconds }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "tempor8.selector" $root | nindent 10 }}
          app.kubernetes.io/component: {{ .component }}
  containers:
    - name: api
      image: {{ include "tempor8.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args: {{ toJson .command }}
      {{- include "tempor8.env" $root | nindent 6 }}
      env:
        # overrides the Secret: the API never has the owner's address
        - { name: DATABASE_ADMIN_URL, value: "" }
        {{- include "tempor8.apiKey" $root | nindent 8 }}
      ports:
        - { name: http, containerPort: 8202 }
        - { name: metrics, containerPort: {{ $root.Values.metrics.port }} }
      startupProbe: { httpGet: { path: /livez, port: http }, periodSeconds: 2, failureThreshold: 60 }
      livenessProbe: { httpGet: { path: /livez, port: http }, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 }
      readinessProbe: { httpGet: { path: /readyz, port: http }, periodSeconds: 5, timeoutSeconds: 5 }
      # endpoints forget a pod some seconds after it is told to stop
      lifecycle: { preStop: { exec: { command: [sleep, "5"] } } }
      resources:
        {{- toYaml .resources | nindent 8 }}
      securityContext:
        {{- include "tempor8.containerSecurity" $root | nindent 8 }}
      volumeMounts:
        {{- include "tempor8.mounts" $root | nindent 8 }}
  {{- with $root.Values.api.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.api.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.api.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "tempor8.job" -}}
{{- $root := .root -}}
backoffLimit: 6
activeDeadlineSeconds: {{ .seconds }}
template:
  metadata:
    labels:
      {{- include "tempor8.labels" $root | nindent 6 }}
      app.kubernetes.io/component: {{ .component }}
  spec:
    restartPolicy: OnFailure
    serviceAccountName: {{ .account }}
    automountServiceAccountToken: false
    securityContext:
      {{- include "tempor8.podSecurity" $root | nindent 6 }}
    {{- with $root.Values.image.pullSecrets }}
    imagePullSecrets:
      {{- range . }}
      - { name: {{ . }} }
      {{- end }}
    {{- end }}
    volumes:
      {{- include "tempor8.volumes" $root | nindent 6 }}
    containers:
      - name: {{ .component }}
        image: {{ include "tempor8.image" $root }}
        imagePullPolicy: {{ $root.Values.image.pullPolicy }}
        args: {{ toJson .command }}
        {{- .env | nindent 8 }}
        resources:
          {{- toYaml $root.Values.migrations.resources | nindent 10 }}
        securityContext:
          {{- include "tempor8.containerSecurity" $root | nindent 10 }}
        volumeMounts:
          {{- include "tempor8.mounts" $root | nindent 10 }}
{{- end -}}
