import type { FailureName } from './failure-name.js';
import type { FragmentEndEvent, FragmentEvent } from './fragment-event.js';
import type { Frame } from './frame.js';
import { INSPECT, type Inspect, inspected } from './inspected.js';

export { FragmentEndEvent, FragmentEvent } from './fragment-event.js';
export { Frame, type FrameCluster } from './frame.js';

/**
 * Everything in a stream of media, in order, failures included.
 *
 * Grammar: `(gap* fragment frame* fragment-failure? fragment-end | gap* fragment-failure)*`. Every `fragment` ends in
 * exactly one `fragment-end`; a failure without a `fragment` had no media.
 */
export type MediaEvent = GapEvent | FragmentEvent | Frame | FragmentEndEvent | FragmentFailureEvent;

/** What goes through the stages of a run: {@link MediaEvent}s, and what counts and is not given to the caller. */
export type RunEvent = MediaEvent | FragmentSkippedEvent;

/** A fragment came, whole or in part, and is left out, as `where` says. Stands in its place; no caller sees it. */
export class FragmentSkippedEvent {
	readonly type = 'fragment-skipped';
	readonly fragmentNumber: string | null;
	readonly serverTimestamp: Date | null;
	readonly producerTimestamp: Date | null;
	/** Where it ends on the producer's clock, epoch milliseconds, as far as its frames tell; null where they do not. */
	readonly endMs: number | null;

	constructor(
		{
			fragmentNumber,
			serverTimestamp,
			producerTimestamp,
		}: Pick<FragmentEndEvent, 'fragmentNumber' | 'serverTimestamp' | 'producerTimestamp'>,
		endMs: number | null,
	) {
		this.fragmentNumber = fragmentNumber;
		this.serverTimestamp = serverTimestamp;
		this.producerTimestamp = producerTimestamp;
		this.endMs = endMs;
	}
}

/** A fragment, or the rest of one, failed or is missing. */
export class FragmentFailureEvent {
	readonly type = 'fragment-failure';
	/** Index of the fragment that was already begun; null where none was. */
	readonly index: number | null;
	readonly fragmentNumber: string | null;
	/** The service's code (3000, 4000, 5000 …); null where the failure is not the service's. */
	readonly code: number | null;
	/** The service's name for it (`FRAGMENT_NOT_FOUND`), else `TRUNCATED`, `MALFORMED`, `UNSUPPORTED`, `CHANGED` or `MISSING`. */
	readonly name: FailureName;
	readonly message: string;
	/** Byte in the payload at which it was noticed; null where it has no place in the payload. */
	readonly offset: number | null;
	/** Whether a retry may succeed. */
	readonly retryable: boolean;
	readonly #error: unknown;

	constructor(fields: Omit<FragmentFailureEvent, 'type' | typeof INSPECT>) {
		this.index = fields.index;
		this.fragmentNumber = fields.fragmentNumber;
		this.code = fields.code;
		this.name = fields.name;
		this.message = fields.message;
		this.offset = fields.offset;
		this.retryable = fields.retryable;
		this.#error = fields.error;
	}

	/** The error that caused it, where there was one. */
	get error(): unknown {
		return this.#error;
	}

	[INSPECT](_depth: number, options: object, inspect: Inspect): string {
		const { error } = this;
		return inspected(
			'FragmentFailureEvent',
			Object.assign({}, this, error != null && { error }),
			options,
			inspect,
		);
	}
}

/** How two neighbouring fragments fail to meet. */
export type GapKind = 'gap' | 'overlap' | 'regression' | 'duplicate';

/**
 * Two neighbours do not meet on the producer's clock; comes before the `fragment` it precedes.
 *
 * `gap` and `overlap`: the next start is more than 50 ms (the service's own threshold) off the last frame plus the mean
 * frame duration. `regression`: the next start lies before the last start. `duplicate`: they start at the same time.
 */
export class GapEvent {
	readonly type = 'gap';
	/** Where the fragment before it ends. */
	readonly from: Date;
	/** Where the next one starts. */
	readonly to: Date;
	readonly kind: GapKind;

	constructor(from: Date, to: Date, kind: GapKind) {
		this.from = from;
		this.to = to;
		this.kind = kind;
	}
}
