# Prometheus, Alertmanager and the exporters of Redis and nginx, from Debian, with Hookfleet's rules and consoles: the profile `monitoring` of
# docker-compose.yml. A file of its own, since Docker's older builder makes every stage of a file up to the wanted one.
ARG BASE=debian:bookworm-slim

FROM $BASE
RUN apt-get update \
 && apt-get install -y --no-install-recommends prometheus prometheus-alertmanager prometheus-redis-exporter prometheus-nginx-exporter \
 && rm -rf /var/lib/apt/lists/* /etc/prometheus \
 && mkdir /data && chown 10001:10001 /data
COPY CMakeLists.txt deploy/docker/sbom /tmp/sbom/
RUN /tmp/sbom/sbom hookfleet-monitoring >/sbom.spdx.json && rm -r /tmp/sbom
COPY deploy/monitoring /hookfleet/
COPY deploy/docker/http_ok /hookfleet/
USER 10001:10001
WORKDIR /data
LABEL org.opencontainers.image.title="hookfleet-monitoring" \
      org.opencontainers.image.description="Prometheus and Alertmanager with the rules and consoles of Hookfleet"
