# supabackup as one static file in an empty image. How it is used, and why it is as it is: docs/docker.md.
#
#   docker build --target supabackup -t supabackup .    for `docker run`: an unprivileged user
#   docker build -t supabackup-action .                  for the GitHub action: the same, as root
#   docker build --target binary --output out .          the static binary alone, in out/
#
# The image that it is built in is an argument, so that a mirror can stand in for it.
ARG RUST=docker.io/library/rust:1.95.0-slim-bookworm@sha256:d7482085ff5b415f84dba5647ae71606650bdef00db7aeb69f4b3d170c3e4082

FROM ${RUST} AS build
WORKDIR /src
COPY . .
ARG SOURCE_DATE_EPOCH=0
# glibc, linked in: its allocator is faster than musl's, and names are resolved without any file. With
# --target the flags reach what is built for the image and not what runs while building.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    target="$(uname -m)-unknown-linux-gnu" \
 && RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked --package supabackup --target "$target" \
 && install -D --mode=0755 "target/$target/release/supabackup" /out/supabackup \
 && install -d --mode=0755 /out/backups \
 && find /out -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

FROM scratch AS binary
COPY --from=build /out/supabackup /supabackup

FROM scratch AS supabackup
LABEL org.opencontainers.image.title="supabackup" \
      org.opencontainers.image.description="Lossless, verified, restorable backups of a Supabase project over nothing but HTTPS" \
      org.opencontainers.image.source="https://github.com/supabackup/supabackup" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /out/supabackup /supabackup
# ./backups, the default store: a new volume that is mounted here belongs to the user below
COPY --from=build --chown=65532:65532 /out/backups /backups
USER 65532:65532
ENTRYPOINT ["/supabackup"]

# What action.yml uses, and the last stage because the runner cannot name another. The runner's own user owns
# the workspace and the files for outputs and summary, and its number is not known here: only root can write to them.
FROM supabackup AS action
# hadolint ignore=DL3002
USER 0:0
