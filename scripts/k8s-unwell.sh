# What is not well in the namespace, one line each with where to look next. It is read by scripts that
# have read k8s-lib.sh, not run.
# shellcheck shell=bash

# Rows of a kind, fields separated by tabs. A kind that this cluster does not know has none.
rows() { kubectl -n "$NS" get "$1" --request-timeout=15s -o go-template="$2" 2>/dev/null || :; }

# One row a pod, `P`, and below it one for each of its containers, `C`.
PODS='{{define "states"}}{{.name}}	{{.ready}}	{{.restartCount}}	{{with .state}}{{with .waiting}}{{.reason}}{{end}}{{end}}	{{with .state}}{{with .running}}running{{end}}{{end}}	{{with .lastState}}{{with .terminated}}{{.reason}} ({{.exitCode}}){{end}}{{end}}
{{end}}{{range .items}}{{$pod := .metadata.name}}P	{{$pod}}	{{.status.phase}}	{{range .status.conditions}}{{if eq .type "PodScheduled"}}{{if eq .status "False"}}{{.message}}{{end}}{{end}}{{end}}	{{with .status.reason}}{{.}}{{end}}	{{range .metadata.ownerReferences}}{{.kind}}{{end}}	{{with .metadata.deletionTimestamp}}going{{end}}
{{range .status.initContainerStatuses}}C	{{$pod}}	init	{{template "states" .}}{{end}}{{range .status.containerStatuses}}C	{{$pod}}	main	{{template "states" .}}{{end}}{{end}}'

# The newest Job of each CronJob counts, and each without an owner.
JOBS='{{range .items}}{{$job := .metadata.name}}{{.metadata.creationTimestamp}}	{{$job}}	{{with .metadata.ownerReferences}}{{range .}}{{.name}}{{end}}{{else}}{{$job}}{{end}}	{{range .status.conditions}}{{if eq .status "True"}}{{if eq .type "Failed"}}failed{{end}}{{if eq .type "Complete"}}complete{{end}}{{end}}{{end}}	{{range .status.conditions}}{{if eq .type "Failed"}}{{.reason}}{{end}}{{end}}	{{with .status.failed}}{{.}}{{else}}0{{end}}
{{end}}'

SETS='{{range .items}}{{.kind}}	{{.metadata.name}}	{{.spec.replicas}}	{{with .status.readyReplicas}}{{.}}{{else}}0{{end}}	{{range .status.conditions}}{{if eq .type "Progressing"}}{{if eq .status "False"}}{{.reason}}{{end}}{{end}}{{end}}
{{end}}'

SCALERS='{{range .items}}{{.metadata.name}}	{{range .status.conditions}}{{if eq .type "ScalingActive"}}{{if eq .status "False"}}{{.message}}{{end}}{{end}}{{end}}
{{end}}'

# What operators say of their own; one that says nothing has not looked yet.
OPERATED='{{range .items}}{{.kind}}	{{.metadata.name}}	{{if not .status}}it has no status yet, does its operator run?{{else}}{{range .status.conditions}}{{if eq .type "Ready"}}{{if eq .status "False"}}{{.message}}{{end}}{{end}}{{end}}{{end}}
{{end}}'

unwell_pods() {
    rows pods "$PODS" | awk -F '\t' -v k="kubectl -n $NS" '
        $1 == "P" {
            pod = $2; phase = $3; quiet = 0
            # The pods of a failed Job are reported with the Job.
            if ($7 != "" || $3 == "Succeeded" || ($3 == "Failed" && $6 == "Job")) quiet = 1
            else if ($4 != "") { print pod " finds no node: " $4 " (" k " describe pod " pod ")"; quiet = 1 }
            else if ($3 == "Failed") { print pod " has failed" ($5 == "" ? "" : ": " $5) " (" k " describe pod " pod ")"; quiet = 1 }
        }
        $1 != "C" || quiet { next }
        {
            at = pod " " $4; times = $6 " restart" ($6 == 1 ? "" : "s"); last = $9 == "" ? "" : ", the last end was " $9
        }
        $7 == "CrashLoopBackOff" { print at " ends again and again: " times last " (" k " logs " pod " -c " $4 " --previous)"; next }
        $7 ~ /Image/ { print at " has no image: " $7 " (" k " describe pod " pod ")"; next }
        $7 != "" && $7 !~ /^(PodInitializing|ContainerCreating)$/ { print at " waits: " $7 " (" k " describe pod " pod ")"; next }
        $3 == "init" && $8 == "running" && phase == "Pending" { print pod " waits in " $4 " (" k " logs " pod " -c " $4 ")"; next }
        $3 == "main" && $5 == "false" && $8 == "running" { print at " runs and is not ready (" k " logs " pod " -c " $4 " --tail=50)"; next }
        $3 == "main" && ($9 ~ /OOMKilled/ || $6 >= 3) { print at " was started again: " times last " (" k " logs " pod " -c " $4 " --previous)" }'
}

unwell_jobs() {
    rows jobs "$JOBS" | sort | awk -F '\t' -v k="kubectl -n $NS" '
        { job[$3] = $2; is[$3] = $4; why[$3] = $5; failed[$3] = $6 }
        END {
            for (one in job) if (is[one] == "" && failed[one] > 0) print "the Job " job[one] " has failed " failed[one] (failed[one] == 1 ? " time" : " times") " and is tried again (" k " logs job/" job[one] " --all-containers)"
            for (one in job) if (is[one] == "failed") print "the Job " job[one] " failed: " why[one] " (" k " logs job/" job[one] " --all-containers)"
        }'
    rows cronjobs '{{range .items}}{{if .spec.suspend}}{{.metadata.name}}{{"\n"}}{{end}}{{end}}' |
        sed "s/.*/the CronJob & is suspended (kubectl -n $NS patch cronjob & -p '{\"spec\":{\"suspend\":false}}')/"
}

unwell_sets() {
    local found
    found=$(rows deployments "$SETS"; rows statefulsets "$SETS")
    printf '%s\n' "$found" | awk -F '\t' -v k="kubectl -n $NS" '
        NF == 0 { next }
        $3 == 0 { print tolower($1) " " $2 " is scaled to nothing (" k " scale " tolower($1) "/" $2 " --replicas=1)"; next }
        $4 < $3 { print tolower($1) " " $2 ": " $4 " of " $3 " ready" ($5 == "" ? "" : ", " $5) " (" k " describe " tolower($1) " " $2 ")" }'
}

# missing: what a deployment that went through to its end has made.
missing() {
    local found one
    found=$(rows deployments '{{range .items}}{{.metadata.name}}{{"\n"}}{{end}}')
    for one in api frontend scraper analyzer alert; do
        grep -qx "$one" <<<"$found" || echo "the deployment $one is missing (just deploy)"
    done
}

# unwell: prints all of it; prints nothing where everything is well.
unwell() {
    unwell_sets
    unwell_pods
    unwell_jobs
    rows horizontalpodautoscalers "$SCALERS" | awk -F '\t' -v k="kubectl -n $NS" '
        $2 != "" { print "the autoscaler " $1 " measures nothing: " $2 " (is metrics-server there? " k " describe hpa " $1 ")" }'
    rows persistentvolumeclaims '{{range .items}}{{if ne .status.phase "Bound"}}{{.metadata.name}}	{{.status.phase}}{{"\n"}}{{end}}{{end}}' |
        awk -F '\t' -v k="kubectl -n $NS" '{ print "the volume " $1 " is " $2 " (" k " describe pvc " $1 ")" }'
    local kind
    for kind in clusters.postgresql.cnpg.io externalsecrets.external-secrets.io scaledobjects.keda.sh; do
        rows "$kind" "$OPERATED" | awk -F '\t' -v k="kubectl -n $NS" -v kind="$kind" '
            $3 != "" { print $1 " " $2 " is not ready: " $3 " (" k " describe " kind " " $2 ")" }'
    done
}

RECENT=10 # minutes for which a warning counts

# warnings: what the cluster complained of in the last minutes, the latest last. An event of the newer
# kind has no lastTimestamp; one of a namespace that was removed and made again is none of this one.
warnings() {
    local since born
    since=$(date -u -d "-$RECENT minutes" +%FT%TZ 2>/dev/null || date -u -v "-${RECENT}M" +%FT%TZ)
    born=$(kubectl get namespace "$NS" --request-timeout=15s -o 'jsonpath={.metadata.creationTimestamp}' 2>/dev/null) || born=
    if [[ $born > $since ]]; then since=$born; fi
    kubectl -n "$NS" get events --request-timeout=15s --field-selector type=Warning \
        -o go-template='{{range .items}}{{$born := .metadata.creationTimestamp}}{{with .series}}{{.lastObservedTime}}{{else}}{{with .lastTimestamp}}{{.}}{{else}}{{with .eventTime}}{{.}}{{else}}{{$born}}{{end}}{{end}}{{end}}	{{.involvedObject.kind}}/{{.involvedObject.name}}	{{.reason}}: {{.message}}
{{end}}' 2>/dev/null | awk -F '\t' -v since="$since" 'substr($1, 1, 19) >= substr(since, 1, 19) { sub(/\.[0-9]+Z/, "Z"); print }' |
        sort | cut -c 1-240 | tail -n "${1:-5}" || :
}
