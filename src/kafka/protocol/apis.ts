// The one table of Kafka APIs that this codec speaks: key, versions, schemas. What the embedded
// broker serves and what the client asks for are narrower choices made by them.
// SOURCE: Kafka 4.1 protocol guide, "Api Keys".
import * as cluster from './messages/cluster.ts';
import * as groups from './messages/groups.ts';
import * as records from './messages/records.ts';
import * as topics from './messages/topics.ts';
import * as transactions from './messages/transactions.ts';
import type { Codec, InOf, OutOf } from './schema.ts';

/** One API: the types are those of its request and response, as read (Out) and as written (In). */
export interface Api<RequestOut, RequestIn, ResponseOut, ResponseIn> {
  readonly name: string;
  readonly key: number;
  /** Versions that the schemas cover, both ends included. */
  readonly minVersion: number;
  readonly maxVersion: number;
  /** First version with compact lengths and tagged fields. */
  readonly flexibleFrom: number;
  readonly request: Codec<RequestOut, RequestIn>;
  readonly response: Codec<ResponseOut, ResponseIn>;
}

/** Any API where the types of its bodies do not matter. */
export type AnyApi = Api<unknown, never, unknown, never>;

const NEVER_FLEXIBLE = Number.MAX_SAFE_INTEGER;

function api<const Name extends string, RequestOut, RequestIn, ResponseOut, ResponseIn>(
  name: Name,
  key: number,
  versions: readonly [min: number, max: number, flexibleFrom: number],
  request: Codec<RequestOut, RequestIn>,
  response: Codec<ResponseOut, ResponseIn>,
): Api<RequestOut, RequestIn, ResponseOut, ResponseIn> & { readonly name: Name } {
  const [minVersion, maxVersion, flexibleFrom] = versions;
  return { name, key, minVersion, maxVersion, flexibleFrom, request, response };
}

/** All APIs by name: `APIS.Fetch`. */
export const APIS = {
  Produce: api('Produce', 0, [3, 13, 9], records.produceRequest, records.produceResponse),
  Fetch: api('Fetch', 1, [4, 18, 12], records.fetchRequest, records.fetchResponse),
  ListOffsets: api(
    'ListOffsets',
    2,
    [1, 10, 6],
    records.listOffsetsRequest,
    records.listOffsetsResponse,
  ),
  Metadata: api('Metadata', 3, [0, 13, 9], cluster.metadataRequest, cluster.metadataResponse),
  OffsetCommit: api(
    'OffsetCommit',
    8,
    [2, 10, 8],
    groups.offsetCommitRequest,
    groups.offsetCommitResponse,
  ),
  OffsetFetch: api(
    'OffsetFetch',
    9,
    [1, 10, 6],
    groups.offsetFetchRequest,
    groups.offsetFetchResponse,
  ),
  FindCoordinator: api(
    'FindCoordinator',
    10,
    [0, 6, 3],
    cluster.findCoordinatorRequest,
    cluster.findCoordinatorResponse,
  ),
  JoinGroup: api('JoinGroup', 11, [0, 9, 6], groups.joinGroupRequest, groups.joinGroupResponse),
  Heartbeat: api('Heartbeat', 12, [0, 4, 4], groups.heartbeatRequest, groups.heartbeatResponse),
  LeaveGroup: api('LeaveGroup', 13, [0, 5, 4], groups.leaveGroupRequest, groups.leaveGroupResponse),
  SyncGroup: api('SyncGroup', 14, [0, 5, 4], groups.syncGroupRequest, groups.syncGroupResponse),
  DescribeGroups: api(
    'DescribeGroups',
    15,
    [0, 6, 5],
    groups.describeGroupsRequest,
    groups.describeGroupsResponse,
  ),
  ListGroups: api('ListGroups', 16, [0, 5, 3], groups.listGroupsRequest, groups.listGroupsResponse),
  SaslHandshake: api(
    'SaslHandshake',
    17,
    [0, 1, NEVER_FLEXIBLE],
    cluster.saslHandshakeRequest,
    cluster.saslHandshakeResponse,
  ),
  ApiVersions: api(
    'ApiVersions',
    18,
    [0, 4, 3],
    cluster.apiVersionsRequest,
    cluster.apiVersionsResponse,
  ),
  CreateTopics: api(
    'CreateTopics',
    19,
    [2, 7, 5],
    topics.createTopicsRequest,
    topics.createTopicsResponse,
  ),
  DeleteTopics: api(
    'DeleteTopics',
    20,
    [1, 6, 4],
    topics.deleteTopicsRequest,
    topics.deleteTopicsResponse,
  ),
  DeleteRecords: api(
    'DeleteRecords',
    21,
    [0, 2, 2],
    records.deleteRecordsRequest,
    records.deleteRecordsResponse,
  ),
  InitProducerId: api(
    'InitProducerId',
    22,
    [0, 6, 2],
    transactions.initProducerIdRequest,
    transactions.initProducerIdResponse,
  ),
  OffsetForLeaderEpoch: api(
    'OffsetForLeaderEpoch',
    23,
    [2, 4, 4],
    records.offsetForLeaderEpochRequest,
    records.offsetForLeaderEpochResponse,
  ),
  AddPartitionsToTxn: api(
    'AddPartitionsToTxn',
    24,
    [0, 5, 3],
    transactions.addPartitionsToTxnRequest,
    transactions.addPartitionsToTxnResponse,
  ),
  AddOffsetsToTxn: api(
    'AddOffsetsToTxn',
    25,
    [0, 4, 3],
    transactions.addOffsetsToTxnRequest,
    transactions.addOffsetsToTxnResponse,
  ),
  EndTxn: api('EndTxn', 26, [0, 5, 3], transactions.endTxnRequest, transactions.endTxnResponse),
  TxnOffsetCommit: api(
    'TxnOffsetCommit',
    28,
    [0, 5, 3],
    transactions.txnOffsetCommitRequest,
    transactions.txnOffsetCommitResponse,
  ),
  DescribeConfigs: api(
    'DescribeConfigs',
    32,
    [1, 4, 4],
    topics.describeConfigsRequest,
    topics.describeConfigsResponse,
  ),
  AlterConfigs: api(
    'AlterConfigs',
    33,
    [0, 2, 2],
    topics.alterConfigsRequest,
    topics.alterConfigsResponse,
  ),
  SaslAuthenticate: api(
    'SaslAuthenticate',
    36,
    [0, 2, 2],
    cluster.saslAuthenticateRequest,
    cluster.saslAuthenticateResponse,
  ),
  CreatePartitions: api(
    'CreatePartitions',
    37,
    [0, 3, 2],
    topics.createPartitionsRequest,
    topics.createPartitionsResponse,
  ),
  DeleteGroups: api(
    'DeleteGroups',
    42,
    [0, 2, 2],
    groups.deleteGroupsRequest,
    groups.deleteGroupsResponse,
  ),
  IncrementalAlterConfigs: api(
    'IncrementalAlterConfigs',
    44,
    [0, 1, 1],
    topics.incrementalAlterConfigsRequest,
    topics.alterConfigsResponse,
  ),
  DescribeCluster: api(
    'DescribeCluster',
    60,
    [0, 2, 0],
    cluster.describeClusterRequest,
    cluster.describeClusterResponse,
  ),
  DescribeTopicPartitions: api(
    'DescribeTopicPartitions',
    75,
    [0, 0, 0],
    cluster.describeTopicPartitionsRequest,
    cluster.describeTopicPartitionsResponse,
  ),
} as const;

export type ApiName = keyof typeof APIS;

/** Body types by API name, as read (all fields there) and as written (defaults may be left out). */
export type RequestBody<Name extends ApiName> = OutOf<(typeof APIS)[Name]['request']>;
export type RequestInput<Name extends ApiName> = InOf<(typeof APIS)[Name]['request']>;
export type ResponseBody<Name extends ApiName> = OutOf<(typeof APIS)[Name]['response']>;
export type ResponseInput<Name extends ApiName> = InOf<(typeof APIS)[Name]['response']>;
