# Two images: `--target bellwether` is the binary for every role, `--target frontend` is nginx with
# the pages. `just images` builds both, for linux/amd64 and linux/arm64. `scripts/bases.sh` writes the
# digests of the bases into this file; nothing is pushed without them.
#
# Compilers run on the machine's own architecture, whatever is built for: an emulated compiler takes
# an hour.

FROM --platform=$BUILDPLATFORM docker.io/library/node:22-bookworm-slim AS web
ARG VERSION=dev
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund --ignore-scripts
COPY web/ ./
RUN npm run --silent build -- --logLevel warn \
    && printf '{"status":"healthy","service":"frontend","version":"%s"}\n' "$VERSION" > dist/health.json

FROM --platform=$BUILDPLATFORM docker.io/library/rust:1.95-bookworm AS chef
# The toolchain of the image, not one more that rust-toolchain.toml would have fetched.
ENV RUSTUP_TOOLCHAIN=1.95.0
# A compiler and a C library for the other architecture; Debian names them by the machine they run on.
# hadolint ignore=DL3008,SC2086
RUN case "$(dpkg --print-architecture)" in \
        amd64) cross="gcc-aarch64-linux-gnu libc6-dev-arm64-cross" ;; \
        arm64) cross="gcc-x86-64-linux-gnu libc6-dev-amd64-cross" ;; \
        *) echo "no builds on $(dpkg --print-architecture)" >&2; exit 1 ;; \
    esac \
    && apt-get update \
    && apt-get install -y --no-install-recommends $cross \
    && rm -rf /var/lib/apt/lists/*
RUN rustup target add x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu \
    && cargo install --locked cargo-chef@0.1.78 cargo-auditable@0.7.7
WORKDIR /src

FROM chef AS plan
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM chef AS builder
ARG TARGETARCH
ENV SQLX_OFFLINE=true \
    CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=x86_64-linux-gnu-gcc \
    CC_x86_64_unknown_linux_gnu=x86_64-linux-gnu-gcc \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
RUN case "$TARGETARCH" in \
        amd64) echo x86_64-unknown-linux-gnu ;; \
        arm64) echo aarch64-unknown-linux-gnu ;; \
        *) echo "no build for $TARGETARCH" >&2; exit 1 ;; \
    esac > /triple
# The dependencies are a layer of their own, which a change of our sources leaves as it is.
COPY --from=plan /src/recipe.json recipe.json
RUN cargo chef cook --release --locked --package bellwether-cli --target "$(cat /triple)" --recipe-path recipe.json
COPY . .
# The binary carries the pages, the commit, and for scanners the list of what it was linked from.
COPY --from=web /src/web/dist web/dist
ARG REVISION=unknown
RUN BELLWETHER_COMMIT="$REVISION" cargo auditable build --release --locked --package bellwether-cli --bin bellwether --target "$(cat /triple)" \
    && mkdir /out \
    && mv "target/$(cat /triple)/release/bellwether" /out/bellwether

# glibc, certificates, and neither a shell nor a package manager.
FROM gcr.io/distroless/cc-debian12:nonroot AS bellwether
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="bellwether" \
      org.opencontainers.image.description="Market data and news in, trading signals and alerts out: every role in one binary" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=builder /out/bellwether /usr/local/bin/bellwether
USER 65532:65532
WORKDIR /
EXPOSE 3000 5000 5001 5002
ENTRYPOINT ["/usr/local/bin/bellwether"]
CMD ["--help"]

FROM docker.io/nginxinc/nginx-unprivileged:1.29-alpine-slim AS frontend
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="bellwether-frontend" \
      org.opencontainers.image.description="Bellwether's pages, and the way to its API" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY web/nginx.conf web/nginx-headers.conf web/nginx-upstream.conf /etc/nginx/
COPY --from=web /src/web/dist /usr/share/nginx/html
USER 10101:10101
WORKDIR /
EXPOSE 8080
STOPSIGNAL SIGQUIT
ENTRYPOINT ["nginx", "-e", "stderr", "-g", "daemon off;"]
