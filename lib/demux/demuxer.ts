import { addAbortSignal } from 'node:stream';
import { ArchiveError, MediaError } from '../errors.js';
import { failureAt } from '../model/fragment-indexer.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import { FragmentFailureEvent, type MediaEvent } from '../model/media-event.js';
import type { MediaResponse } from '../model/media-response.js';
import { type Clock, systemClock } from '../pace/clock.js';
import { backOffMs } from '../pace/retry.js';
import type { Delivery } from '../stream/pump.js';
import { Stage } from '../stream/stage.js';
import { HELD_INDEX } from './admission.js';
import { BatchProgress } from './batch-progress.js';
import { DemuxContext } from './demux-context.js';
import { FragmentTroubles } from './fragment-troubles.js';
import { PayloadReader } from './payload-reader.js';
import { brokenOff, failureNameOf, isMalformed, isOfNumbers, isUnsupported } from './response-errors.js';

/** How long missing media is retried. */
export interface ResumePolicy {
	/** Responses in a row that may bring no new whole fragment. @default 5 */
	readonly attempts: number;
	/** Longest time in which one batch may bring nothing new, in milliseconds. @default 120000 */
	readonly totalMs: number;
	/** Longest delay before the first retry; doubles with each response that brings nothing. @default 200 */
	readonly baseDelayMs: number;
	/** No delay is longer. @default 10000 */
	readonly maxDelayMs: number;
	/**
	 * A fragment that was listed and is not found (3000, 4000) is retried while it is younger than this by the
	 * server's clock: a listing may be ahead of the media. @default 300000
	 */
	readonly youngMs: number;
}

const DEFAULT_RESUME_POLICY: ResumePolicy = {
	attempts: 5,
	totalMs: 120_000,
	baseDelayMs: 200,
	maxDelayMs: 10_000,
	youngMs: 300_000,
};

/** Options of {@link Demuxer}. */
export interface DemuxerOptions {
	/** Events one by one, or in the arrays in which chunks complete them. @default 'event' */
	readonly deliver?: Delivery;
	/** Copies every frame, so that it keeps only its own bytes alive. @default false */
	readonly copy?: boolean;
	/** Gives the bytes of each whole fragment as the `document` of its `fragment-end`, and holds them until then. @default false */
	readonly keepDocuments?: boolean;
	readonly resume?: Partial<ResumePolicy> | undefined;
	/** Called for every response that is requested again. */
	readonly onRetry?: (() => void) | undefined;
	readonly clock?: Clock | undefined;
	/** From 0 to 1. @default Math.random */
	readonly random?: (() => number) | undefined;
}

const OPTION_NAMES: OptionNames<DemuxerOptions> = {
	deliver: true,
	copy: true,
	keepDocuments: true,
	resume: true,
	onRetry: true,
	clock: true,
	random: true,
};

/**
 * Reads the bodies of responses, in order, as one stream of events.
 *
 * Every fragment of a batch ends exactly once: whole, or with a `fragment-failure` in its place. What breaks off, stalls,
 * or fails with a retryable code, is requested again from the first fragment that is not whole; frames that
 * were given out are recognized and not given out twice. When the tries are spent, the fragment that was begun fails
 * (`TRUNCATED`, `MALFORMED`; `UNSUPPORTED` at once), or with its in-band code, or, where nothing of it came, as `MISSING`. Where a request is
 * refused because of one of its fragments, which has expired since it was listed, that one is `MISSING`, and the others are requested
 * without it. A request that is refused altogether ends the stream with its error.
 */
export class Demuxer extends Stage<MediaResponse, MediaEvent> {
	readonly #context = new DemuxContext();
	readonly #copy: boolean;
	readonly #keepsDocuments: boolean;
	readonly #policy: ResumePolicy;
	readonly #clock: Clock;
	readonly #random: () => number;
	readonly #onRetry: () => void;

	constructor(options: DemuxerOptions = {}) {
		checkOptionNames(options, OPTION_NAMES);
		const {
			deliver = 'event',
			copy = false,
			keepDocuments = false,
			resume = {},
			clock = systemClock,
			random = Math.random,
		} = options;
		super({ deliver, readableHighWaterMark: deliver === 'batch' ? 1 : 16 });
		this.#copy = copy;
		this.#keepsDocuments = keepDocuments;
		this.#policy = { ...DEFAULT_RESUME_POLICY, ...resume };
		this.#clock = clock;
		this.#random = random;
		this.#onRetry = options.onRetry ?? (() => {});
	}

	protected override async *process(first: MediaResponse): AsyncGenerator<MediaEvent[]> {
		const progress = new BatchProgress(first.batch.fragments, this.#context);
		const troubles = new FragmentTroubles(this.#policy);
		let response = first;
		let emptyRetries = 0;
		let allowed = this.#policy.attempts;
		let newSinceMs = this.#clock.now();
		/** How many are requested, and how many may be: fewer where the service refuses one of them, and with it all. */
		let requested = progress.outstanding.size;
		let most = Number.POSITIVE_INFINITY;
		for (;;) {
			const before = progress.outstanding.size;
			const error = yield* this.#read(response, progress, troubles);
			if (progress.next === undefined) return;
			if (progress.outstanding.size < before) {
				emptyRetries = 0;
				allowed = this.#policy.attempts;
				newSinceMs = this.#clock.now();
				most *= 2;
			} else if (isOfNumbers(error)) {
				most = Math.ceil(requested / 2);
				if (requested === 1) yield this.#giveUp(progress, troubles, error);
				if (progress.next === undefined) return;
			} else if (!isHeldBack(error)) {
				emptyRetries++;
			}
			if (this.#clock.now() - newSinceMs >= this.#policy.totalMs) {
				while (progress.next !== undefined) yield this.#giveUp(progress, troubles, error);
				return;
			}
			const isHopeless = isUnsupported(error) && progress.begun !== null;
			if (emptyRetries >= allowed || isHopeless) {
				const isSaidToFail = troubles.get(progress.next) !== undefined;
				yield this.#giveUp(progress, troubles, error);
				// Where nothing at all came, the others get one try each, until something comes again. What the service itself
				// fails was only in their way.
				allowed = isSaidToFail || isHopeless ? this.#policy.attempts : 1;
				emptyRetries = 0;
				if (progress.next === undefined) return;
			}
			this.#onRetry();
			if (!isHeldBack(error)) await this.#backOff(emptyRetries + (troubles.inResponse > 0 ? 1 : 0));
			const { lastBeforeNext: after, outstanding } = progress;
			const only = outstanding.size <= most ? outstanding : new Set([...outstanding].slice(0, most));
			requested = only.size;
			response = await first.reopen({ after, only, signal: this.signal });
		}
	}

	/** The events of one body. Returns why it ended before its time; null for a clean end. */
	async *#read(
		{ body }: MediaResponse,
		progress: BatchProgress,
		troubles: FragmentTroubles,
	): AsyncGenerator<MediaEvent[], ArchiveError | null> {
		const payload = new PayloadReader(this.#context, {
			copy: this.#copy,
			keepDocuments: this.#keepsDocuments,
			admit: (fragmentNumber) => progress.admit(fragmentNumber),
			onFailure: () => progress.failedToRead(),
		});
		let error: ArchiveError | null = null;
		troubles.responseStarts();
		progress.responseStarts();
		// Who destroys this stage alone must not wait for a body that stands still.
		addAbortSignal(this.signal, body);
		try {
			for await (const chunk of body) {
				for (const events of payload.write(chunk as Uint8Array)) {
					yield this.#sort(events, progress, troubles);
				}
			}
		} catch (thrown) {
			this.signal.throwIfAborted();
			if (isRefused(thrown) && !isOfNumbers(thrown)) throw thrown;
			error = thrown instanceof ArchiveError ? thrown : brokenOff(thrown);
		} finally {
			body.destroy();
		}
		try {
			// Where the transport broke off, elements of unknown size cannot be trusted to be whole.
			const rest = isMalformed(error) ? payload.fail('MALFORMED', error) : payload.end(error);
			for (const events of rest) {
				const failure = events.find(isFailure);
				if (failure?.code === null && failure.error instanceof MediaError) error ??= failure.error;
				// Between its tags and its Cluster a fragment looks like a whole one: its Segment names no size.
				const said = events.filter((event) => event.type !== 'fragment-end' || event.frames > 0);
				yield this.#sort(said, progress, troubles);
			}
		} catch (thrown) {
			if (!(thrown instanceof MediaError)) throw thrown;
			error = thrown;
		}
		return error;
	}

	/** What of a response's events is given out. */
	#sort(events: readonly MediaEvent[], progress: BatchProgress, troubles: FragmentTroubles): MediaEvent[] {
		const out: MediaEvent[] = [];
		for (const [index, event] of events.entries()) {
			if (event.type === 'fragment-end' && !event.complete) continue;
			if (!isFailure(event)) {
				for (const given of progress.take(event)) out.push(given);
				continue;
			}
			const fragmentNumber = event.fragmentNumber ?? progress.next;
			// Failures of the transport are dealt with when the response is over.
			if (event.code === null || fragmentNumber === undefined || !progress.outstanding.has(fragmentNumber))
				continue;
			const listed = progress.listed(fragmentNumber);
			if (!troubles.add(event, fragmentNumber, listed, this.#clock.now())) {
				const next = events[index + 1];
				const isBegun = event.index !== null && event.index !== HELD_INDEX;
				const failure = failureAt(event, isBegun ? event.index : null, fragmentNumber);
				const end = isBegun && next?.type === 'fragment-end' ? next : null;
				for (const given of progress.fail(fragmentNumber, failure, end)) out.push(given);
			}
		}
		return out;
	}

	/** The fragment whose turn it is has failed, for whatever is known. */
	#giveUp(progress: BatchProgress, troubles: FragmentTroubles, error: ArchiveError | null): MediaEvent[] {
		const fragmentNumber = progress.next as string;
		const { begun } = progress;
		const trouble = troubles.get(fragmentNumber);
		const name = begun === null ? 'MISSING' : isMalformed(error) ? failureNameOf(error) : 'TRUNCATED';
		const failure = new FragmentFailureEvent({
			index: begun?.fragment.index ?? null,
			fragmentNumber,
			code: trouble?.code ?? null,
			name: trouble?.name ?? name,
			message:
				trouble?.message ??
				`fragment ${fragmentNumber} ${begun === null ? 'was requested and not received' : 'was not received completely'}${error === null ? '' : `: ${error.message}`}`,
			offset: trouble?.offset ?? (error instanceof MediaError ? error.offset : null),
			retryable: !isUnsupported(error) && !isOfNumbers(error),
			error,
		});
		return progress.fail(fragmentNumber, failure, begun?.failedEnd() ?? null);
	}

	async #backOff(failures: number): Promise<void> {
		if (failures === 0) return;
		await this.#clock.sleep(backOffMs(this.#policy, failures, this.#random), { signal: this.signal });
	}
}

function isFailure(event: MediaEvent): event is FragmentFailureEvent {
	return event.type === 'fragment-failure';
}

/** A connection that was closed to make room, or because its permit was lost, is not a failure. */
function isHeldBack(error: unknown): boolean {
	return error instanceof ArchiveError && ['KVS_HELD_BACK', 'KVS_PERMIT_LOST'].includes(error.code);
}

/** The request itself was refused, or its retries are used up: not recoverable here. */
function isRefused(error: unknown): boolean {
	return (
		error instanceof ArchiveError &&
		!(error instanceof MediaError) &&
		!isHeldBack(error) &&
		error.code !== 'KVS_STALLED'
	);
}
