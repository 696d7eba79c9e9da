// One consumer group of the classic protocol: who is in it, whose turn it is to join or to sync, and
// who has gone quiet. Holds nothing durable; committed offsets live in group-offsets.ts.
// SOURCE: Kafka protocol guide, JoinGroup and SyncGroup; KIP-345 (static members), KIP-394 (member ids).
import type { Clock, Timer } from '../../../base/clock.ts';
import { type Deferred, deferred } from '../../../base/queue.ts';
import { KAFKA_ERROR } from '../../protocol/errors.ts';

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable';

export interface GroupProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export interface JoinRequest {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly GroupProtocol[];
  /** JoinGroup version 4 and up: a new member is told its id first and joins again with it. */
  readonly needsKnownId: boolean;
}

export interface JoinAnswer {
  readonly errorCode: number;
  readonly generation: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leaderId: string;
  readonly memberId: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly metadata: Buffer;
  }[];
}

export interface SyncAnswer {
  readonly errorCode: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Buffer;
}

export interface Member {
  readonly id: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  protocols: readonly GroupProtocol[];
  assignment: Buffer;
  join: Deferred<JoinAnswer> | null;
  sync: Deferred<SyncAnswer> | null;
  session: Timer | null;
}

const NO_BYTES = Buffer.alloc(0);
const MAX_PENDING_IDS = 1000;
const MAX_MEMBERS = 1000;

export class Group {
  readonly id: string;
  readonly #clock: Clock;
  readonly #newMemberId: (clientId: string) => string;
  readonly #initialDelayMs: number;
  #state: GroupState = 'Empty';
  #generation = 0;
  #protocolType: string | null = null;
  #protocolName: string | null = null;
  #leaderId = '';
  readonly #members = new Map<string, Member>();
  /** Ids given out to members that have not come back with them yet. */
  readonly #pendingIds = new Set<string>();
  #deadline: Timer | null = null;
  /** True while a group that was empty waits for more members before its first assignment. */
  #gathering = false;

  constructor(
    id: string,
    clock: Clock,
    initialDelayMs: number,
    newMemberId: (clientId: string) => string,
  ) {
    this.id = id;
    this.#clock = clock;
    this.#initialDelayMs = initialDelayMs;
    this.#newMemberId = newMemberId;
  }

  get state(): GroupState {
    return this.#state;
  }
  get protocolType(): string {
    return this.#protocolType ?? '';
  }
  get protocolName(): string {
    return this.#protocolName ?? '';
  }
  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  // -- join

  join(request: JoinRequest): Promise<JoinAnswer> {
    const found = this.#memberFor(request);
    if (typeof found === 'number') return Promise.resolve(refusedJoin(found, request.memberId));
    if (!this.#fits(request, found?.id ?? '')) {
      const code = KAFKA_ERROR.INCONSISTENT_GROUP_PROTOCOL;
      return Promise.resolve(refusedJoin(code, request.memberId));
    }
    if (found === null && this.#members.size >= MAX_MEMBERS) {
      const code = KAFKA_ERROR.GROUP_MAX_SIZE_REACHED;
      return Promise.resolve(refusedJoin(code, request.memberId));
    }
    if (found === null && request.memberId === '' && request.needsKnownId) {
      if (request.instanceId === null) return Promise.resolve(this.#giveId(request));
    }
    const member = found ?? this.#add(request);
    const unchanged = found !== null && sameProtocols(found.protocols, request.protocols);
    member.protocols = request.protocols;
    member.sessionTimeoutMs = request.sessionTimeoutMs;
    member.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
    if (unchanged && this.#state === 'CompletingRebalance') {
      return Promise.resolve(this.#joinAnswer(member));
    }
    if (unchanged && this.#state === 'Stable' && member.id !== this.#leaderId) {
      this.#touch(member);
      return Promise.resolve(this.#joinAnswer(member));
    }
    return this.#awaitJoin(member, request.protocolType);
  }

  /** The member that asks, null when it is a new one, an error number when it may not. */
  #memberFor(request: JoinRequest): Member | null | number {
    const { memberId, instanceId } = request;
    if (instanceId !== null) {
      const holder = this.members.find((member) => member.instanceId === instanceId);
      if (holder !== undefined && memberId === '') {
        this.#drop(holder, KAFKA_ERROR.FENCED_INSTANCE_ID);
        return null;
      }
      if (holder !== undefined && holder.id !== memberId) return KAFKA_ERROR.FENCED_INSTANCE_ID;
    }
    if (memberId === '') return null;
    const known = this.#members.get(memberId);
    if (known !== undefined) return known;
    return this.#pendingIds.delete(memberId) ? null : KAFKA_ERROR.UNKNOWN_MEMBER_ID;
  }

  #giveId(request: JoinRequest): JoinAnswer {
    const id = this.#newMemberId(request.clientId);
    if (this.#pendingIds.size >= MAX_PENDING_IDS) this.#pendingIds.clear();
    this.#pendingIds.add(id);
    return refusedJoin(KAFKA_ERROR.MEMBER_ID_REQUIRED, id);
  }

  /** Does the member speak the group's protocol type and a protocol that all others speak? */
  #fits(request: JoinRequest, selfId: string): boolean {
    if (request.protocols.length === 0 || request.protocolType === '') return false;
    const others = this.members.filter((member) => member.id !== selfId);
    if (others.length === 0) return true;
    if (request.protocolType !== this.#protocolType) return false;
    return request.protocols.some((mine) =>
      others.every((other) => other.protocols.some((theirs) => theirs.name === mine.name)),
    );
  }

  #add(request: JoinRequest): Member {
    const member: Member = {
      id: request.memberId === '' ? this.#newMemberId(request.clientId) : request.memberId,
      instanceId: request.instanceId,
      clientId: request.clientId,
      clientHost: request.clientHost,
      sessionTimeoutMs: request.sessionTimeoutMs,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      protocols: request.protocols,
      assignment: NO_BYTES,
      join: null,
      sync: null,
      session: null,
    };
    this.#members.set(member.id, member);
    return member;
  }

  #awaitJoin(member: Member, protocolType: string): Promise<JoinAnswer> {
    if (this.#members.size === 1) this.#protocolType = protocolType;
    member.join?.resolve(refusedJoin(KAFKA_ERROR.UNKNOWN_MEMBER_ID, member.id));
    const waiting = deferred<JoinAnswer>();
    member.join = waiting;
    member.session?.cancel();
    if (this.#state !== 'PreparingRebalance') this.#prepareRebalance();
    else this.#completeJoinWhenAllCame();
    return waiting.promise;
  }

  #prepareRebalance(): void {
    this.#gathering = this.#state === 'Empty' && this.#initialDelayMs > 0;
    this.#state = 'PreparingRebalance';
    for (const member of this.#members.values()) {
      member.sync?.resolve(refusedSync(KAFKA_ERROR.REBALANCE_IN_PROGRESS));
      member.sync = null;
    }
    const longest = Math.max(...this.members.map((member) => member.rebalanceTimeoutMs));
    this.#setDeadline(this.#gathering ? this.#initialDelayMs : longest, () => this.#completeJoin());
    this.#completeJoinWhenAllCame();
  }

  #completeJoinWhenAllCame(): void {
    if (this.#state !== 'PreparingRebalance' || this.#gathering) return;
    if (this.members.every((member) => member.join !== null)) this.#completeJoin();
  }

  /** Begins the next generation with those who came. */
  #completeJoin(): void {
    this.#gathering = false;
    this.#deadline?.cancel();
    for (const member of this.members) if (member.join === null) this.#forget(member);
    this.#generation += 1;
    const members = this.members;
    const first = members[0];
    if (first === undefined) {
      this.#becomeEmpty();
      return;
    }
    if (!this.#members.has(this.#leaderId)) this.#leaderId = first.id;
    this.#protocolName = chooseProtocol(members);
    this.#state = 'CompletingRebalance';
    for (const member of members) {
      member.assignment = NO_BYTES;
      member.join?.resolve(this.#joinAnswer(member));
      member.join = null;
      this.#touch(member);
    }
    const longest = Math.max(...members.map((member) => member.rebalanceTimeoutMs));
    this.#setDeadline(longest, () => this.#dropUnsynced());
  }

  #joinAnswer(member: Member): JoinAnswer {
    const isLeader = member.id === this.#leaderId;
    return {
      errorCode: KAFKA_ERROR.NONE,
      generation: this.#generation,
      protocolType: this.#protocolType,
      protocolName: this.#protocolName,
      leaderId: this.#leaderId,
      memberId: member.id,
      members: isLeader
        ? this.members.map((one) => ({
            memberId: one.id,
            groupInstanceId: one.instanceId,
            metadata: this.metadataOf(one),
          }))
        : [],
    };
  }

  /** The member's metadata for the protocol the group settled on. */
  metadataOf(member: Member): Buffer {
    const chosen = member.protocols.find((protocol) => protocol.name === this.#protocolName);
    return chosen?.metadata ?? NO_BYTES;
  }

  // -- sync, heartbeat, leave

  sync(
    memberId: string,
    generation: number,
    assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[],
  ): Promise<SyncAnswer> {
    const problem = this.#problemWith(memberId, generation);
    const member = this.#members.get(memberId);
    if (problem !== 0 || member === undefined) return Promise.resolve(refusedSync(problem));
    this.#touch(member);
    if (this.#state === 'PreparingRebalance') {
      return Promise.resolve(refusedSync(KAFKA_ERROR.REBALANCE_IN_PROGRESS));
    }
    if (this.#state === 'Stable') return Promise.resolve(this.#syncAnswer(member));
    const waiting = deferred<SyncAnswer>();
    member.sync?.resolve(refusedSync(KAFKA_ERROR.REBALANCE_IN_PROGRESS));
    member.sync = waiting;
    if (memberId === this.#leaderId) this.#assign(assignments);
    return waiting.promise;
  }

  #assign(
    assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[],
  ): void {
    this.#state = 'Stable';
    this.#deadline?.cancel();
    for (const { memberId, assignment } of assignments) {
      const member = this.#members.get(memberId);
      // The request's buffer lives no longer than the request: keep a copy.
      if (member !== undefined) member.assignment = Buffer.from(assignment);
    }
    for (const member of this.#members.values()) {
      member.sync?.resolve(this.#syncAnswer(member));
      member.sync = null;
    }
  }

  #syncAnswer(member: Member): SyncAnswer {
    return {
      errorCode: KAFKA_ERROR.NONE,
      protocolType: this.#protocolType,
      protocolName: this.#protocolName,
      assignment: member.assignment,
    };
  }

  /** Number of the error to answer a heartbeat with, 0 = none. */
  heartbeat(memberId: string, generation: number): number {
    const problem = this.#problemWith(memberId, generation);
    const member = this.#members.get(memberId);
    if (problem !== 0 || member === undefined) return problem;
    if (member.join === null) this.#touch(member);
    return this.#state === 'PreparingRebalance' ? KAFKA_ERROR.REBALANCE_IN_PROGRESS : 0;
  }

  /** Number of the error to answer an offset commit with, 0 = it may be stored. */
  commitProblem(memberId: string, generation: number): number {
    // Commits from outside a group ("simple" consumers) are fine while nobody is in it.
    if (generation < 0 && this.#members.size === 0) return 0;
    const problem = this.#problemWith(memberId, generation);
    if (problem !== 0) return problem;
    return this.#state === 'CompletingRebalance' ? KAFKA_ERROR.REBALANCE_IN_PROGRESS : 0;
  }

  #problemWith(memberId: string, generation: number): number {
    if (!this.#members.has(memberId)) return KAFKA_ERROR.UNKNOWN_MEMBER_ID;
    return generation === this.#generation ? 0 : KAFKA_ERROR.ILLEGAL_GENERATION;
  }

  /** Number of the error of one member's leaving, 0 = it has left. */
  leave(memberId: string, instanceId: string | null): number {
    const member =
      memberId === '' && instanceId !== null
        ? this.members.find((one) => one.instanceId === instanceId)
        : this.#members.get(memberId);
    if (member === undefined) {
      return this.#pendingIds.delete(memberId) ? 0 : KAFKA_ERROR.UNKNOWN_MEMBER_ID;
    }
    this.#remove(member);
    return 0;
  }

  #remove(member: Member): void {
    this.#drop(member, KAFKA_ERROR.UNKNOWN_MEMBER_ID);
    if (this.#members.size === 0) this.#becomeEmpty();
    else if (this.#state === 'PreparingRebalance') this.#completeJoinWhenAllCame();
    else this.#prepareRebalance();
  }

  #dropUnsynced(): void {
    for (const member of this.members) {
      if (member.sync === null) this.#drop(member, KAFKA_ERROR.UNKNOWN_MEMBER_ID);
    }
    if (this.#members.size === 0) this.#becomeEmpty();
    else this.#prepareRebalance();
  }

  #drop(member: Member, errorCode: number): void {
    member.join?.resolve(refusedJoin(errorCode, member.id));
    member.sync?.resolve(refusedSync(errorCode));
    this.#forget(member);
  }

  #forget(member: Member): void {
    member.session?.cancel();
    this.#members.delete(member.id);
  }

  #becomeEmpty(): void {
    this.#deadline?.cancel();
    this.#state = 'Empty';
    this.#leaderId = '';
    this.#protocolName = null;
  }

  #touch(member: Member): void {
    member.session?.cancel();
    member.session = this.#clock.after(member.sessionTimeoutMs, () => {
      if (this.#members.get(member.id) === member && member.join === null) this.#remove(member);
    });
  }

  #setDeadline(ms: number, action: () => void): void {
    this.#deadline?.cancel();
    this.#deadline = this.#clock.after(ms, action);
  }

  /** Answers all who wait and stops all timers. */
  close(): void {
    this.#deadline?.cancel();
    for (const member of this.members) this.#drop(member, KAFKA_ERROR.COORDINATOR_NOT_AVAILABLE);
    this.#becomeEmpty();
  }
}

/** The protocol that all speak and most prefer. */
function chooseProtocol(members: readonly Member[]): string {
  const votes = new Map<string, number>();
  for (const member of members) {
    const best = member.protocols.find((mine) =>
      members.every((other) => other.protocols.some((theirs) => theirs.name === mine.name)),
    );
    if (best !== undefined) votes.set(best.name, (votes.get(best.name) ?? 0) + 1);
  }
  let chosen = '';
  for (const [name, count] of votes) if (count > (votes.get(chosen) ?? 0)) chosen = name;
  return chosen;
}

function sameProtocols(a: readonly GroupProtocol[], b: readonly GroupProtocol[]): boolean {
  return (
    a.length === b.length &&
    a.every((one, index) => {
      const other = b[index];
      return other !== undefined && one.name === other.name && one.metadata.equals(other.metadata);
    })
  );
}

function refusedJoin(errorCode: number, memberId: string): JoinAnswer {
  return {
    errorCode,
    generation: -1,
    protocolType: null,
    protocolName: null,
    leaderId: '',
    memberId,
    members: [],
  };
}

function refusedSync(errorCode: number): SyncAnswer {
  return { errorCode, protocolType: null, protocolName: null, assignment: NO_BYTES };
}
