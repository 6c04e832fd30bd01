# Claviger without the embedded PostgreSQL: give it a DATABASE_URL (see docker-compose.yml).

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY src/verifier/package.json src/verifier/
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY src src
RUN npm run build

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    CLAVIGER_KEYS_DIR=/var/lib/claviger/keys
WORKDIR /app
COPY package.json package-lock.json ./
COPY src/verifier/package.json src/verifier/
# No scripts: argon2 brings its binary along.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund && npm cache clean --force
COPY bin bin
COPY sql sql
COPY src/pages/assets src/pages/assets
COPY --from=build /app/build/src build/src
# A volume that is mounted here for the first time takes over this folder's owner and mode.
RUN install -d -o node -g node -m 0700 /var/lib/claviger /var/lib/claviger/keys \
  && ln -s /app/bin/claviger.cjs /usr/local/bin/claviger
USER node
VOLUME /var/lib/claviger/keys
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "/app/bin/healthcheck.cjs"]
ENTRYPOINT ["claviger"]
CMD ["serve"]
