# Recipes of Bellwether. `./justw RECIPE` installs what is missing first.

set dotenv-load
set positional-arguments

# The default of `just` alone.
[private]
default:
    @{{ just_executable() }} --list --unsorted --justfile '{{ justfile() }}'

# Build and run everything on this machine at http://127.0.0.1:3000; Ctrl-C stops all of it
up *args: web
    @cargo run --profile release-quick --package bellwether-cli --bin bellwether -- up "$@"

# As `up`, with the server built again after every change of its sources, and the dashboard changed in place
dev *args:
    @scripts/dev.sh "$@"

# Everything that CI runs: the checks, then every test on a scratch PostgreSQL and in a browser
test: fmt-check rules _build
    @BUILT=1 scripts/with-postgres.sh scripts/lint.sh
    @scripts/docs.sh
    @BUILT=1 scripts/openapi.sh check
    @scripts/k8s-check.sh
    @scripts/web.sh test
    @BUILT=1 scripts/with-postgres.sh scripts/tests.sh
    @BUILT=1 scripts/with-postgres.sh scripts/rehearse-quota.sh 30
    @BUILT=1 scripts/k8s-rehearse.sh --short
    @BUILT=1 scripts/browser-tests.sh

# The fast half of `test`: format, lints, docs, dependency rules, and that what is generated is current
check: fmt-check rules
    @scripts/web.sh check
    @scripts/with-postgres.sh scripts/lint.sh
    @scripts/docs.sh
    @scripts/openapi.sh check

# Run the tests that a filter of cargo-nextest or a name selects: just unit domain, just unit 'package(bellwether-store)'
unit filter *args: web
    @scripts/with-postgres.sh scripts/tests.sh "$@"

# Build the dashboard into web/dist; quick when nothing has changed
web:
    @scripts/web.sh build

# The tests in a browser alone, or those that Playwright's arguments select: just e2e -g alert
e2e *args: web
    @scripts/browser-tests.sh --project e2e "$@"

# Take each page in light and dark and on a phone into target/screenshots
screenshots: web
    @scripts/browser-tests.sh --project screenshots

# Rehearsals: `fresh` clones the repository and runs the README's commands there; `quota [SECONDS]` holds five dying workers against the sandbox's count
rehearse what='fresh' *args:
    @shift; 'scripts/rehearse-{{ what }}.sh' "$@"

# What can be known of the manifests without a cluster; --slow adds checkov
k8s-check *args:
    @scripts/k8s-check.sh "$@"

# A deployment without a cluster: its order, then the real processes with the manifests' environment; --short takes two minutes at most
k8s-rehearse *args:
    @scripts/k8s-rehearse.sh "$@"

# The images of `just images` as containers, confined as the manifests say; needs Linux, root and podman
k8s-containers:
    @scripts/k8s-containers.sh

# Jobs a second beside what the server does by itself; bench/queue.md holds a run
bench jobs='50000':
    @scripts/with-postgres.sh cargo run --quiet --profile release-quick --package bellwether-queue --example throughput -- {{ jobs }}

# A steady load beside readers that hold old snapshots, for so many seconds; bench/long-reader.md holds a run
long-reader seconds='180' *more:
    @scripts/with-postgres.sh cargo run --quiet --profile release-quick --package bellwether-queue --example long_reader -- {{ seconds }} {{ more }}

# A day of so many jobs is pruned beside a steady load; bench/retention.md holds a run
retention jobs='1000000' *keyed:
    @scripts/with-postgres.sh cargo run --quiet --profile release-quick --package bellwether-queue --example retention -- {{ jobs }} {{ keyed }}

# Worker processes at work while everything goes wrong, for so many seconds; bench/chaos.md holds a run
chaos seconds='600' *seed:
    @scripts/with-postgres.sh cargo run --quiet --package bellwether-queue --example chaos -- {{ seconds }} {{ seed }}

# Build the two images, with a list of what is in each, into target/images: just images --platform linux/amd64,linux/arm64
images *args:
    @scripts/images.sh "$@"

# Bring an overlay into the cluster of kubectl's current context: just deploy local, just deploy production
deploy *args:
    @scripts/deploy.sh "$@"

# Take it out again; the data stays unless --data is said
undeploy *args:
    @scripts/undeploy.sh "$@"

# What runs in the cluster, and what is not well
status:
    @scripts/status.sh

# Drive analyses until the autoscaler answers, and print the replicas over time
load-test *args:
    @scripts/load-test.sh "$@"

# Run a command beside a scratch PostgreSQL, whose address it finds in TEST_DATABASE_URL
with-postgres *command:
    @scripts/with-postgres.sh "$@"

# Put every source file into the one format
fmt:
    @cargo fmt --all

# Say which files are not in the one format
fmt-check:
    @cargo fmt --all --check

# Who may import whom: hold the dependency graph to deny.toml
rules:
    @node --test scripts/rules.test.mjs >/dev/null || node --test scripts/rules.test.mjs
    @node scripts/rules.mjs

# Rewrite .sqlx/, which lets a build check its statements without a database: after every change of SQL
prepare:
    @PREPARE=1 scripts/with-postgres.sh scripts/lint.sh

# Rewrite the API's description: after every change of a route
openapi:
    @scripts/openapi.sh write

# Bring the database at DATABASE_URL to this version's schema, or `just migrate status`
migrate *args='up':
    @cargo run --quiet --package bellwether-cli --bin bellwether -- migrate "$@"

# Compile everything once, tests included, so that each later step finds it done.
_build: web
    @cargo build --workspace --all-targets
