# Alicia as a container. `docker compose up -d` builds and runs it, see docs/guide/getting-started.md.

FROM node:26-trixie-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# Without install scripts: the only one that matters downloads a Node, and this image is one.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.ts ./scripts/
COPY src ./src
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:26-trixie-slim
# Mosquitto is there for ALICIA_BROKER=mosquitto; without that the broker runs in the hub.
RUN apt-get update \
  && apt-get install -y --no-install-recommends mosquitto \
  && rm -rf /var/lib/apt/lists/* \
  && install -d -o node -g node -m 700 /data \
  && ln -s /app/bin/alicia.js /usr/local/bin/alicia
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
COPY bin ./bin
# All addresses of the container; which of them the network sees is up to the published ports.
ENV NODE_ENV=production \
    ALICIA_DATA=/data \
    ALICIA_HOST=0.0.0.0
USER node
VOLUME /data
EXPOSE 8765 1883
HEALTHCHECK --interval=30s --timeout=10s --start-period=15s CMD ["alicia", "call", "get_health", "--timeout", "5"]
ENTRYPOINT ["alicia"]
CMD ["start"]
