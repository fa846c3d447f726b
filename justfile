# Recipes of Bellwether. `./justw RECIPE` installs missing tools first. The binary reads .env itself, and
# recipes read it by scripts/dotenv.sh; its variables are not in the environment of build tools.

set positional-arguments

# The default of `just` alone.
[private]
default:
    @{{ just_executable() }} --list --unsorted --justfile '{{ justfile() }}'

# Build and run everything on this machine at http://127.0.0.1:3000; Ctrl-C stops all of it
up *args: web
    @scripts/run.sh release-quick up "$@"

# As `up`; rebuilds the server when its sources change, and reloads the dashboard in place
dev *args:
    @scripts/dev.sh "$@"

# Run everything that CI runs, in lanes: the checks, then every test on a scratch PostgreSQL and in a browser
test:
    @scripts/lanes.sh

# Run some lanes of `test`, or list them: just lane lint, just lane
lane *names='--list':
    @scripts/lanes.sh "$@"

# The fast half of `test`: format, lints, docs, dependency and wording rules, generated files
check: fmt-check rules
    @scripts/web.sh check
    @scripts/with-postgres.sh scripts/lint.sh
    @scripts/docs.sh
    @scripts/openapi.sh check

# Run the tests that a filter of cargo-nextest or a name selects: just unit domain, just unit 'package(bellwether-store)'
unit filter *args: web
    @scripts/with-postgres.sh scripts/tests.sh "$@"

# Run tests N times with a new seed each, until one fails: just repeat 50 'binary(queue) and test(claim_order)'
repeat n filter *args: web
    @scripts/with-postgres.sh scripts/repeat.sh "$@"

# Build the dashboard into web/dist; quick when nothing has changed
web:
    @scripts/web.sh build

# Run the browser tests, or those that Playwright's arguments select: just e2e -g alert
e2e *args: web
    @scripts/browser-tests.sh --project e2e "$@"

# Fuzz the API for some minutes with requests made from its description: just fuzz-api [SEED]
fuzz-api *seed:
    @scripts/fuzz-api.sh "$@"

# Write a screenshot of each page in light, dark and phone size to target/screenshots
screenshots: web
    @scripts/browser-tests.sh --project screenshots

# Rehearse: `fresh` clones the repository and runs the README's commands there; `month` plans a month of closes in virtual time; `quota [SECONDS]` compares the calls of five workers, some killed, with the sandbox's count; `restore` restores a backup taken under load into another server
rehearse what='fresh' *args:
    @shift; 'scripts/rehearse-{{ what }}.sh' "$@"

# Check the manifests without a cluster; --slow adds checkov
k8s-check *args:
    @scripts/k8s-check.sh "$@"

# Rehearse a deployment without a cluster: its order, then the real processes with the manifests' environment; --short takes at most two minutes
k8s-rehearse *args:
    @scripts/k8s-rehearse.sh "$@"

# Run the images of `just images` as containers with the manifests' limits; needs Linux, root and podman
k8s-containers:
    @scripts/k8s-containers.sh

# Measure jobs per second on a durable PostgreSQL, compared with plain SQL moves of rows; bench/queue.md has results
bench jobs='100000' rounds='3':
    @scripts/with-postgres.sh cargo run --locked --quiet --profile release-quick --package bellwether-queue --example throughput -- {{ jobs }} {{ rounds }}

# Measure a steady load while readers hold old snapshots, in seconds; bench/long-reader.md has results
long-reader seconds='180' *more:
    @scripts/with-postgres.sh cargo run --locked --quiet --profile release-quick --package bellwether-queue --example long_reader -- {{ seconds }} {{ more }}

# Measure the pruning of one day of JOBS jobs during a steady load; bench/retention.md has results
retention jobs='1000000' *keyed:
    @scripts/with-postgres.sh cargo run --locked --quiet --profile release-quick --package bellwether-queue --example retention -- {{ jobs }} {{ keyed }}

# Measure the disk space of a year of twenty symbols, by table; bench/growth.md has results
growth *days:
    @scripts/with-postgres.sh cargo run --locked --quiet --package bellwether-cli --example fill -- growth "$@"

# Fill the database of this folder's `just up`, or that at DATABASE_URL, with simulated days of the default watchlist: just fill 30
fill days='30':
    @(. scripts/no-settings.sh && cargo build --locked --quiet --package bellwether-cli --example fill)
    @"${CARGO_TARGET_DIR:-target}/debug/examples/fill" month {{ days }}

# Run workers under faults of database, processes and network for SECONDS; bench/chaos.md has results
chaos seconds='600' *seed:
    @scripts/with-postgres.sh cargo run --locked --quiet --package bellwether-queue --example chaos -- {{ seconds }} {{ seed }}

# Build the two images and their lists of contents (SBOM) into target/images: just images --platform linux/amd64,linux/arm64
images *args:
    @scripts/images.sh "$@"

# Deploy an overlay to the cluster of kubectl's current context: just deploy local, just deploy production
deploy *args:
    @scripts/deploy.sh "$@"

# Delete the deployment; keeps the data unless --data is given
undeploy *args:
    @scripts/undeploy.sh "$@"

# Show the deployment's pods and their problems
status:
    @scripts/status.sh

# Enqueue analyses until the autoscaler reacts, and print the replicas over time
load-test *args:
    @scripts/load-test.sh "$@"

# Run a command with a scratch PostgreSQL, whose address is in TEST_DATABASE_URL
with-postgres *command:
    @scripts/with-postgres.sh "$@"

# Format every Rust file
fmt:
    @cargo fmt --all

# List the Rust files that are not formatted
fmt-check:
    @cargo fmt --all --check

# Check the dependency graph against deny.toml, the wording of comments and docs, and the spread of names
rules:
    @scripts/lanes.sh rules

# Rewrite .sqlx/, by which a build checks its statements without a database; run it after every change of SQL
prepare:
    @PREPARE=1 scripts/with-postgres.sh scripts/lint.sh

# Rewrite the API's description; run it after every change of a route
openapi:
    @scripts/openapi.sh write

# Migrate the database at DATABASE_URL to this version's schema, or `just migrate status`
migrate *args='up':
    @scripts/run.sh dev migrate "$@"

# Package the queue's crate as a registry would receive it; build and test it by itself, without a database
package *args:
    @scripts/package.sh "$@"

# Rewrite crates/queue/api.txt, the list of the queue's public items; run it after every change of one
queue-api:
    @cargo test --quiet --workspace --test api the_public_api || cargo test --quiet --workspace --test api the_public_api

# Write every row of the database to a file: just backup bellwether.backup [--overwrite]
backup *args:
    @scripts/run.sh dev backup "$@"

# Replace the database's rows by those of a backup, in one transaction: just restore bellwether.backup [--yes]
restore *args:
    @scripts/run.sh dev restore "$@"
