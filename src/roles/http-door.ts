// The HTTP door of the FE: health, metrics, error logs, and the way of loads to the CN.
import { openLoadProxy } from '../http/load-proxy.ts';
import { type HttpServer, startHttpServer } from '../http/server.ts';
import { ERROR_LOG_PATH } from '../model/body-load.ts';
import type { Services } from '../statements/types.ts';
import type { BodyLoadServices } from './body-loads.ts';
import { readErrorLog } from './error-log.ts';
import type { FeOptions } from './fe.ts';
import type { Logins } from './logins.ts';

/** Throws PORT_IN_USE, CANNOT_LISTEN. */
export function openHttp(
  options: FeOptions,
  logins: Logins,
  services: Services,
  { streamLoads, labels }: BodyLoadServices,
): Promise<HttpServer> {
  const { cn, clock, config, host, httpPort, log } = options;
  return startHttpServer({
    clock,
    loads: openLoadProxy({
      upstream: cn.http,
      forwardToken: cn.forwardToken,
      redirects: () => config.bool('stream_load_redirect'),
      check: (head) => streamLoads.check(head),
      labels,
      clock,
      log,
    }),
    host,
    port: httpPort,
    log,
    authenticate: ({ user, password, address }) => logins.http(user, address, password),
    openRoutes: [
      '/api/health',
      ERROR_LOG_PATH,
      ...(config.bool('metrics_require_login') ? [] : ['/metrics']),
    ],
    services: {
      metricsText: services.metricsText,
      errorLog: (file) => readErrorLog(services, file),
      health: async () => {
        const parts = await options.processes();
        const ok = Object.values(parts).every((state) => state === 'ok');
        return { status: ok ? 'ok' : 'degraded', parts };
      },
    },
  });
}
