# The signer in an image of its own: Node.js, the signer's files and its few packages, and nothing else of Portcullis.
#   docker build -f packaging/docker/signer.Dockerfile -t portcullis-signer .
#
# The images beneath are named by tag. Where you build, pin them by digest (NAME:TAG@sha256:…): a tag can be moved.
# Your HSM's PKCS#11 module is not in here: it is mounted, or put in by an image of yours on top of this one.
ARG BUILD_IMAGE=node:24.21.0-bookworm
ARG RUN_IMAGE=node:24.21.0-bookworm-slim

FROM ${BUILD_IMAGE} AS build
WORKDIR /build
COPY . .
# The set-up that everybody runs: packages by the lock file, compared with it, native parts compiled, everything built.
RUN node scripts/setup.mjs && node scripts/program-files.mjs signer /program

FROM ${RUN_IMAGE}
# Fixed numbers, since files on volumes carry them: the signer, and the group of its door.
RUN groupadd --system --gid 7430 portcullis-door \
 && useradd --system --uid 7431 --gid portcullis-door --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin portcullis-signer \
 && install -d -o portcullis-signer -g portcullis-door -m 0750 /run/portcullis-signer \
 && install -d -o portcullis-signer -g portcullis-door -m 0700 /var/lib/portcullis-signer
COPY --from=build /program /opt/portcullis
USER 7431:7430
WORKDIR /var/lib/portcullis-signer
ENV NODE_ENV=production
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["node", "-e", "require('node:net').connect('/run/portcullis-signer/signer.sock').on('connect', () => process.exit(0)).on('error', () => process.exit(1))"]
# SIGTERM lets signatures under way finish; SIGHUP takes new certificates.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/opt/portcullis/dist/src/signer/main.js"]
CMD ["serve", "--config", "/etc/portcullis/portcullis.yaml"]
