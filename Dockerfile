# Built from source; the second stage holds the binary alone and runs it as nobody.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/target \
    CARGO_TARGET_DIR=/target cargo build --release --locked && cp /target/release/spanwire /spanwire

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=build /spanwire /usr/local/bin/spanwire
USER 65534:65534
EXPOSE 5433
HEALTHCHECK --interval=10s --timeout=6s --start-period=5s CMD ["spanwire", "healthcheck"]
ENTRYPOINT ["spanwire"]
CMD ["demo", "--host", "0.0.0.0"]
