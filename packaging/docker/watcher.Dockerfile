# The watcher, which states facts: for a host other than the orchestrator's. It holds no code that speaks to a token or a signer.
#   docker build -f packaging/docker/watcher.Dockerfile -t portcullis-watcher .
#
# The images beneath are named by tag. Where you build, pin them by digest (NAME:TAG@sha256:…): a tag can be moved.
ARG BUILD_IMAGE=node:24.21.0-bookworm
ARG RUN_IMAGE=node:24.21.0-bookworm-slim

FROM ${BUILD_IMAGE} AS build
WORKDIR /build
COPY . .
# The set-up that everybody runs: packages by the lock file, compared with it, native parts compiled, everything built.
RUN node scripts/setup.mjs && node scripts/program-files.mjs watcher /program

FROM ${RUN_IMAGE}
# Fixed numbers, since files on volumes carry them.
RUN groupadd --system --gid 7440 portcullis-watcher \
 && useradd --system --uid 7440 --gid portcullis-watcher --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin portcullis-watcher \
 && install -d -o portcullis-watcher -g portcullis-watcher -m 0700 /var/lib/portcullis-watcher
COPY --from=build /program /opt/portcullis
USER 7440:7440
WORKDIR /var/lib/portcullis-watcher
ENV NODE_ENV=production
EXPOSE 7440
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["node", "-e", "fetch('http://127.0.0.1:7440/health').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/opt/portcullis/dist/src/watcher/main.js"]
CMD ["serve", "--config", "/etc/portcullis/portcullis.yaml"]
