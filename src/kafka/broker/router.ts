// Which requests the broker serves, in which versions, and by which handler. ApiVersions is answered
// from this same table, so that nothing is promised that is not served.
import { APIS, type Api, type ResponseInput } from '../protocol/apis.ts';
import { decodeRequestBody, encodeResponseChunks, type PendingRequest } from '../protocol/codec.ts';
import { KAFKA_ERROR } from '../protocol/errors.ts';
import * as cluster from './handlers/cluster.ts';
import * as configs from './handlers/configs.ts';
import { fetch } from './handlers/fetch.ts';
import * as groups from './handlers/groups.ts';
import * as offsets from './handlers/offsets.ts';
import { produce } from './handlers/produce.ts';
import * as topics from './handlers/topics.ts';
import * as transactions from './handlers/transactions.ts';
import type { BrokerServices, RequestContext } from './services.ts';

/** A frame to send, in pieces; null = the client wants no answer. */
type Answer = readonly Buffer[] | null;

interface Route {
  readonly key: number;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** Lowest version told to clients where it differs from the one served. */
  readonly advertisedMinVersion: number;
  readonly serve: (pending: PendingRequest, context: RequestContext) => Promise<Answer>;
}

type Handler<Request, Response> = (
  services: BrokerServices,
  body: Request,
  context: RequestContext,
) => Response | null | Promise<Response | null>;

function route<RequestOut, ResponseIn>(
  services: BrokerServices,
  api: Api<RequestOut, never, unknown, ResponseIn>,
  maxVersion: number,
  handler: Handler<RequestOut, ResponseIn>,
): Route {
  return {
    key: api.key,
    minVersion: api.minVersion,
    maxVersion,
    advertisedMinVersion: api.minVersion,
    serve: async (pending, context) => {
      const body = decodeRequestBody(api, pending);
      const answer = await handler(services, body, context);
      if (answer === null) return null;
      return encodeResponseChunks(api, pending.version, pending.correlationId, answer);
    },
  };
}

export class Router {
  readonly #routes: ReadonlyMap<number, Route>;

  constructor(services: BrokerServices) {
    const routes = [
      // librdkafka takes a broker whose least Produce version is above 0 for one that cannot
      // compress, and silently sends uncompressed (KAFKA-18659).
      { ...route(services, APIS.Produce, 12, produce), advertisedMinVersion: 0 },
      route(services, APIS.Fetch, 17, fetch),
      route(services, APIS.ListOffsets, 9, offsets.listOffsets),
      route(services, APIS.Metadata, 12, cluster.metadata),
      route(services, APIS.OffsetCommit, 9, groups.offsetCommit),
      route(services, APIS.OffsetFetch, 9, groups.offsetFetch),
      route(services, APIS.FindCoordinator, 5, cluster.findCoordinator),
      route(services, APIS.JoinGroup, 9, groups.joinGroup),
      route(services, APIS.Heartbeat, 4, groups.heartbeat),
      route(services, APIS.LeaveGroup, 5, groups.leaveGroup),
      route(services, APIS.SyncGroup, 5, groups.syncGroup),
      route(services, APIS.DescribeGroups, 5, groups.describeGroups),
      route(services, APIS.ListGroups, 5, groups.listGroups),
      route(services, APIS.ApiVersions, 4, () => this.#apiVersions(0)),
      route(services, APIS.CreateTopics, 7, topics.createTopics),
      route(services, APIS.DeleteTopics, 6, topics.deleteTopics),
      route(services, APIS.DeleteRecords, 2, offsets.deleteRecords),
      route(services, APIS.InitProducerId, 5, transactions.initProducerId),
      route(services, APIS.OffsetForLeaderEpoch, 4, offsets.offsetForLeaderEpoch),
      route(services, APIS.AddPartitionsToTxn, 5, transactions.addPartitionsToTxn),
      route(services, APIS.AddOffsetsToTxn, 4, transactions.addOffsetsToTxn),
      route(services, APIS.EndTxn, 4, transactions.endTxn),
      route(services, APIS.TxnOffsetCommit, 4, transactions.txnOffsetCommit),
      route(services, APIS.DescribeConfigs, 4, configs.describeConfigs),
      route(services, APIS.AlterConfigs, 2, configs.alterConfigs),
      route(services, APIS.CreatePartitions, 3, topics.createPartitions),
      route(services, APIS.DeleteGroups, 2, groups.deleteGroups),
      route(services, APIS.IncrementalAlterConfigs, 1, configs.incrementalAlterConfigs),
      route(services, APIS.DescribeCluster, 1, cluster.describeCluster),
      route(services, APIS.DescribeTopicPartitions, 0, cluster.describeTopicPartitions),
    ];
    this.#routes = new Map(routes.map((one) => [one.key, one]));
  }

  /**
   * Serves one request. @returns 'unsupported' when the API or its version is not served: Kafka
   * closes the connection then. @throws KAFKA_MALFORMED where the body does not parse
   */
  async serve(pending: PendingRequest, context: RequestContext): Promise<Answer | 'unsupported'> {
    const found = this.#routes.get(pending.apiKey);
    if (found === undefined) return 'unsupported';
    if (pending.version >= found.minVersion && pending.version <= found.maxVersion) {
      return await found.serve(pending, context);
    }
    if (pending.apiKey !== APIS.ApiVersions.key) return 'unsupported';
    // A newer client learns from a version 0 answer which versions it can use.
    const body = this.#apiVersions(KAFKA_ERROR.UNSUPPORTED_VERSION);
    return encodeResponseChunks(APIS.ApiVersions, 0, pending.correlationId, body);
  }

  #apiVersions(errorCode: number): ResponseInput<'ApiVersions'> {
    return {
      errorCode,
      apiKeys: [...this.#routes.values()].map((one) => ({
        apiKey: one.key,
        minVersion: one.advertisedMinVersion,
        maxVersion: one.maxVersion,
      })),
    };
  }
}
