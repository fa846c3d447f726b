# What the scripts around a cluster share; it is read by them, not run.
# shellcheck shell=bash

NS=bellwether
LEAST_MINOR=30 # `preStop.sleep` of the pods
me=$(basename "$0" .sh)

say() { echo "$me: $*" >&2; }
fail() { say "$1"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
# The line of the calling script that shows its arguments.
usage() { sed -n 's/^#   /usage: /p' "$0" | head -n 1 >&2; exit 2; }

need_kubectl() {
    have kubectl || fail "kubectl is missing: install it from https://kubernetes.io/docs/tasks/tools"
}

# Sets `context`, the cluster that kubectl leads to.
need_context() {
    context=$(kubectl config current-context 2>/dev/null) || context=
    [ -n "$context" ] || fail "kubectl has no current context: start a cluster (for example \`kind create cluster\`), or choose one with \`kubectl config use-context\`"
}

# need_cluster CONTEXT: it answers, and is new enough for what the manifests say. Asked first: the
# images take minutes, and a step in the middle of a deployment says less clearly what is wrong.
need_cluster() {
    local said minor
    said=$(kubectl get --raw /version --request-timeout=15s 2>&1) ||
        fail "the cluster of $1 does not answer: $(printf '%s\n' "$said" | tail -n 1)"
    minor=$(printf '%s\n' "$said" | sed -n 's/.*"minor": *"\([0-9]*\).*/\1/p')
    [ "${minor:-$LEAST_MINOR}" -ge "$LEAST_MINOR" ] ||
        fail "the cluster of $1 is Kubernetes 1.$minor: 1.$LEAST_MINOR or newer is needed"
}

need_overlay() {
    [ -e "k8s/overlays/$1/kustomization.yaml" ] ||
        fail "there is no overlay $1: $(cd k8s/overlays && echo *)"
}

# What an overlay's Secrets are made of, where they are made here.
need_secrets() {
    local overlay=k8s/overlays/$1 example file
    [ -e "$overlay/secrets.example" ] || return 0
    for example in "$overlay"/secrets.example/*.env; do
        file=$overlay/secrets/$(basename "$example")
        [ -e "$file" ] || fail "$file is missing: copy $example there and fill it in"
        if grep -Eq '^[^#]*change-me' "$file"; then
            fail "$file still has the example's values: put your own in the place of change-me"
        fi
    done
    grep -Eq '^POSTGRES_PASSWORD=[A-Za-z0-9]+$' "$overlay/secrets/database.env" ||
        fail "$overlay/secrets/database.env needs a line POSTGRES_PASSWORD= with letters and digits only: it stands in an address"
    grep -Eq '^BELLWETHER_API_TOKENS=(viewer|operator|admin):.' "$overlay/secrets/api.env" ||
        fail "$overlay/secrets/api.env needs a line BELLWETHER_API_TOKENS=role:token,…: the API refuses to start without"
}

# Where a context leads to: a cluster of this machine, and how images come into it.
cluster_of() {
    case $1 in
    docker-desktop | docker-for-desktop | rancher-desktop | orbstack | colima*) echo shared ;; # the daemon's own store
    kind-*) echo kind ;;
    k3d-*) echo k3d ;;
    minikube) echo minikube ;;
    *)
        # a profile of minikube may have any name
        if have minikube && minikube profile list -o json 2>/dev/null | grep -q "\"Name\":\"$1\""; then
            echo minikube
        else
            echo elsewhere
        fi
        ;;
    esac
}

# render OVERLAY [IMAGES]: its documents; images that were built here stand in the place of theirs.
render() {
    local all image
    all=$(kubectl kustomize "k8s/overlays/$1") || fail "k8s/overlays/$1 could not be rendered: see above"
    for image in ${2:-}; do
        all=$(printf '%s\n' "$all" | sed "s#image: ${image%%:*}:dev\$#image: $image#")
    done
    printf '%s\n' "$all"
}

# split FILE FOLDER: the documents by the step in which they are applied.
split() {
    local one
    for one in namespace pre secrets postgres migrate apps; do : >"$2/$one.yaml"; done
    awk -v folder="$2" '
        function flush() {
            if (document == "") return
            step = "apps"
            if (kind == "Namespace") step = "namespace"
            else if (kind == "Secret") step = "secrets"
            else if (kind ~ /^(ServiceAccount|ConfigMap|ExternalSecret|NetworkPolicy|ResourceQuota|LimitRange)$/) step = "pre"
            else if (kind ~ /^(StatefulSet|Cluster|Pooler|ScheduledBackup)$/ || name == "postgres-service") step = "postgres"
            else if (kind == "Job") step = "migrate"
            printf "---\n%s", document > (folder "/" step ".yaml")
            document = ""; kind = ""; name = ""; meta = 0
        }
        /^---/ { flush(); next }
        { document = document $0 "\n" }
        /^kind: / { kind = $2 }
        /^[a-z]/ { meta = ($0 == "metadata:") }
        meta && /^  name: / { name = $2 }
        END { flush() }
    ' "$1"
}

# names KIND FILE: of the documents of that kind.
names() {
    awk -v wanted="$1" '
        /^---/ { kind = ""; meta = 0 }
        /^kind: / { kind = $2 }
        /^[a-z]/ { meta = ($0 == "metadata:") }
        meta && kind == wanted && /^  name: / { print $2 }
    ' "$2"
}

# What stands in an overlay as an example, and has to be the site's own.
check_site() {
    local file=k8s/overlays/$1/kustomization.yaml
    if grep -q 'sha256:0\{64\}' "$2"; then
        fail "$file still has the examples of digests: \`just images --push REGISTRY\` prints yours"
    fi
    # The sandbox writes to example.com on purpose: it delivers nothing.
    if grep -Eq '^ *(- |hostname: )bellwether\.example\.com' "$2"; then
        fail "$file still has the example's name bellwether.example.com: put in yours"
    fi
}

# check_providers OVERLAY FILE: a key that one process holds is named for those that do not. A model that
# is not named is never asked, and nothing else would say so.
check_providers() {
    local folder=k8s/overlays/$1/secrets variable provider named
    [ -e "$folder" ] && ! grep -q '^  name: sandbox$' "$2" || return 0
    named=$(sed -n 's/^  BELLWETHER_PROVIDERS: "\{0,1\}\([a-z_,]*\).*/\1/p' "$2" | head -n 1)
    while read -r variable provider; do
        ! grep -Eqh "^$variable=." "$folder"/*.env || [[ ,$named, == *,$provider,* ]] ||
            fail "$folder holds $variable: name $provider in BELLWETHER_PROVIDERS of k8s/overlays/$1/kustomization.yaml"
    done <<'PAIRS'
ALPHA_VANTAGE_API_KEY alpha_vantage
NEWSAPI_API_KEY newsapi
GEMINI_API_KEY gemini
TWILIO_AUTH_TOKEN twilio
SMTP_URL smtp
PAIRS
}

# load_image KIND CONTEXT IMAGE: from target/images into a cluster with a store of its own.
load_image() {
    local file name=${3%%:*}
    case $1 in
    shared | elsewhere) return 0 ;; # it uses the builder's store, or the operator loads images
    esac
    file=target/images/$name-$(uname -m | sed 's/x86_64/amd64/;s/aarch64/arm64/').tar
    [ -e "$file" ] || fail "$file, the archive of $3, is missing"
    say "loading $3 into $2"
    have "$1" || fail "$1 is missing: it puts images into $2"
    case $1 in
    kind) kind load image-archive "$file" --name "${2#kind-}" ;;
    k3d) k3d image import "$file" --cluster "${2#k3d-}" ;;
    minikube) minikube --profile "$2" image load "$file" ;;
    esac >&2 || fail "$name could not be loaded into $2: see above"
}

# where FILE: how the pages are reached.
where() {
    local address
    if grep -q '^kind: Gateway' "$1"; then
        say "the pages are at https://$(sed -n 's/^ *hostname: //p' "$1" | head -n 1)"
        return
    fi
    address=$(kubectl -n "$NS" get service frontend-service \
        -o 'jsonpath={.status.loadBalancer.ingress[0].ip}{.status.loadBalancer.ingress[0].hostname}' 2>/dev/null) || address=
    if [ -n "$address" ]; then
        say "the pages are at http://$address"
    else
        say "frontend-service has no address yet: kubectl -n $NS port-forward service/frontend-service 8080:80, then http://localhost:8080"
    fi
}
