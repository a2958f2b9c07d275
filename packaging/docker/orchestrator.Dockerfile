# The orchestrator in an image of its own. It holds no code that speaks to a token.
#   docker build -f packaging/docker/orchestrator.Dockerfile -t portcullis-orchestrator .
#
# The images beneath are named by tag. Where you build, pin them by digest (NAME:TAG@sha256:…): a tag can be moved.
ARG BUILD_IMAGE=node:24.21.0-bookworm
ARG RUN_IMAGE=node:24.21.0-bookworm-slim

FROM ${BUILD_IMAGE} AS build
WORKDIR /build
COPY . .
# The set-up that everybody runs: packages by the lock file, compared with it, native parts compiled, everything built.
RUN node scripts/setup.mjs && node scripts/program-files.mjs orchestrator /program

FROM ${RUN_IMAGE}
# Fixed numbers, since files on volumes carry them: the orchestrator, and the group of the signer's door.
RUN groupadd --system --gid 7430 portcullis-door \
 && groupadd --system --gid 7432 portcullis-orchestrator \
 && useradd --system --uid 7432 --gid portcullis-orchestrator --groups portcullis-door --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin portcullis-orchestrator \
 && install -d -o portcullis-orchestrator -g portcullis-orchestrator -m 0700 /var/lib/portcullis-orchestrator
COPY --from=build /program /opt/portcullis
USER 7432:7432
WORKDIR /var/lib/portcullis-orchestrator
ENV NODE_ENV=production
EXPOSE 7430
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s CMD ["node", "-e", "fetch('http://127.0.0.1:7430/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/opt/portcullis/dist/src/orchestrator/main.js"]
CMD ["--config", "/etc/portcullis/portcullis.yaml"]
