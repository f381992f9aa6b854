import type { LiveSelector } from '../aws/live-media.js';
import type { Admission } from '../demux/admission.js';
import { BegunFragment } from '../demux/begun-fragment.js';
import { failureNameOf, isMalformed, isUnsupported } from '../demux/response-errors.js';
import { type ArchiveError, MediaError } from '../errors.js';
import { compareFragmentNumbers } from '../model/fragment.js';
import { failureAt } from '../model/fragment-indexer.js';
import { FragmentFailureEvent, type MediaEvent } from '../model/media-event.js';
import type { LiveStart } from './live-options.js';

/** How often a fragment may fail before its failure is given out. */
const ATTEMPTS = 5;

/** How long a fragment that was begun may bring nothing new, where its connections break off. Milliseconds. */
const PATIENCE_MS = 120_000;

/**
 * What has become of the fragments of a live stream: each is given out once and ends once, in the order in which they come,
 * over any number of responses.
 *
 * Media is known by the fragment number in its tags. What was begun when a response broke off is resumed, and not given out
 * twice. What fails with a retryable code or is malformed is read again, and given out as a failure after five times.
 */
export class LiveProgress {
	readonly #start: LiveStart;
	/** The last fragment that is over. */
	#last: string | null;
	#begun: BegunFragment | null = null;
	/** When the first response began, by the server's clock. */
	#openedAt: Date | null = null;

	/** Of this response: the fragment that is to be resumed and has not come yet. */
	#awaited: BegunFragment | null = null;
	/** The fragment whose media began last: reading is ahead of giving out, by a chunk with many fragments perhaps. */
	#newest: string | null = null;
	/** The failure for which the rest of this response is not wanted. */
	#retried: FragmentFailureEvent | null = null;
	/** The failure of what was read when this response ended. */
	#broken: FragmentFailureEvent | null = null;
	#isStopped = false;
	#hasGiven = false;

	/** Responses in a row that ended before their time and gave nothing. */
	#attempts = 0;
	#givenAtMs: number | null = null;
	/** What an in-band exception named last, and how often in a row. */
	#failing: { readonly what: string; readonly count: number } | null = null;
	/** Whether a failure that names no further fragment was given out here. */
	#isFailureGiven = false;

	constructor(start: LiveStart) {
		this.#start = start;
		this.#last = 'afterFragmentNumber' in start ? start.afterFragmentNumber : null;
	}

	/** Where the next response is to begin. */
	get selector(): LiveSelector {
		if (this.#last !== null) {
			return { StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: this.#last };
		}
		const { selector } = this.#start as Extract<LiveStart, { selector: unknown }>;
		if (selector.StartSelectorType !== 'NOW') return selector;
		// "Now" is when it was said first: by what came, else by when the service responded.
		const begunAt = this.#begun?.fragment.serverTimestamp;
		// Of several fragments that began at one time the service gives the last.
		const at = begunAt ? new Date(begunAt.getTime() - 1) : this.#openedAt;
		return at === null ? selector : { StartSelectorType: 'SERVER_TIMESTAMP', StartTimestamp: at };
	}

	/** How many responses in a row failed here: none, where the next can be requested at once. */
	get attempts(): number {
		return this.#attempts;
	}

	/** Whether the rest of the response is not wanted: a failure is to be retried. */
	get isStopped(): boolean {
		return this.#isStopped;
	}

	/** A response begins; `date` is when, by the server's clock. */
	responseStarts(date: Date | null): void {
		this.#openedAt ??= date;
		this.#awaited = this.#begun;
		this.#newest = this.#last;
		this.#retried = null;
		this.#broken = null;
		this.#isStopped = false;
		this.#hasGiven = false;
	}

	/** What becomes of a fragment that begins in a response. */
	admit(fragmentNumber: string | null): Admission {
		if (this.#retried !== null) return 'skip';
		if (fragmentNumber === null) return 'take';
		if (fragmentNumber === this.#newest) return 'skip';
		const awaited = this.#awaited;
		const awaitedNumber = awaited?.fragment.fragmentNumber ?? null;
		if (awaited !== null && awaitedNumber !== null) {
			const order = compareFragmentNumbers(fragmentNumber, awaitedNumber);
			// Where reading began by a time, the fragment before it may hold that time.
			if (order < 0) return 'skip';
			this.#awaited = null;
			this.#newest = fragmentNumber;
			return order === 0 ? awaited : 'take';
		}
		this.#newest = fragmentNumber;
		return 'take';
	}

	/** A failure was read. Whether it is retried is decided at once, since nothing after it is wanted then. */
	failed(failure: FragmentFailureEvent): void {
		if (isOfTransport(failure)) {
			this.#broken = failure;
			return;
		}
		if (this.#retried !== null || !failure.retryable) return;
		const what = failure.fragmentNumber ?? `what comes after ${this.#newest}`;
		const count = this.#failing?.what === what ? this.#failing.count + 1 : 1;
		this.#failing = { what, count };
		if (count < ATTEMPTS) this.#retried = failure;
	}

	/** Takes events as they are read. Returns what is to be given out. */
	take(events: readonly MediaEvent[]): MediaEvent[] {
		const given: MediaEvent[] = [];
		for (const event of events) {
			if (this.#isStopped) break;
			switch (event.type) {
				case 'gap':
					given.push(...this.#passOver(), event);
					break;
				case 'fragment':
					given.push(...this.#passOver(), event);
					this.#begun = new BegunFragment(event);
					break;
				case 'frame':
					this.#begun?.add(event);
					given.push(event);
					break;
				case 'fragment-end':
					// That of one that failed is made where its failure is given out.
					if (!event.complete) break;
					given.push(event);
					this.#settle(event.fragmentNumber);
					break;
				default:
					if (event === this.#retried) this.#isStopped = true;
					else if (!isOfTransport(event)) given.push(...this.#fail(event));
			}
		}
		this.#hasGiven ||= given.length > 0;
		return given;
	}

	/** The response is over: `error` says why it ended before its time. Returns what is given up now. */
	responseEnds(error: ArchiveError | null, nowMs: number): MediaEvent[] {
		if (this.#hasGiven || this.#givenAtMs === null) {
			this.#attempts = 0;
			this.#givenAtMs = nowMs;
		}
		const isWhole = error === null && this.#broken === null && this.#retried === null;
		if (!this.#hasGiven || !isWhole) this.#attempts++;
		const isTiredOf = this.#attempts >= ATTEMPTS;
		const isGivenUp = isMalformed(error)
			? isTiredOf || isUnsupported(error)
			: isTiredOf && this.#begun !== null && nowMs - this.#givenAtMs >= PATIENCE_MS;
		return isGivenUp ? this.#fail(this.#broken ?? failureOf(error)) : [];
	}

	/** Gives out a failure, in its place. */
	#fail(failure: FragmentFailureEvent): MediaEvent[] {
		const number = failure.fragmentNumber ?? this.#begun?.fragment.fragmentNumber ?? null;
		const isOfBegun = this.#begun?.fragment.fragmentNumber === number;
		const given = isOfBegun ? [] : this.#passOver();
		const begun = this.#begun;
		const isOfNext = begun !== null || (number !== null && this.#isLater(number));
		if (!isOfNext && this.#isFailureGiven) return given;
		given.push(failureAt(failure, begun?.fragment.index ?? null, number));
		if (begun !== null) given.push(begun.failedEnd());
		if (isOfNext) this.#settle(number);
		else this.#isFailureGiven = true;
		return given;
	}

	#isLater(fragmentNumber: string): boolean {
		return this.#last === null || compareFragmentNumbers(fragmentNumber, this.#last) > 0;
	}

	/** Another fragment comes in place of the one that was begun: its rest does not come any more. */
	#passOver(): MediaEvent[] {
		const begun = this.#begun;
		if (begun === null) return [];
		const { index, fragmentNumber } = begun.fragment;
		const failure = new FragmentFailureEvent({
			index,
			fragmentNumber,
			code: null,
			name: 'TRUNCATED',
			message: `fragment ${fragmentNumber} was cut, and the service went on with another`,
			offset: null,
			retryable: false,
			error: null,
		});
		this.#settle(fragmentNumber);
		return [failure, begun.failedEnd()];
	}

	/** The fragment whose turn it was is over. */
	#settle(fragmentNumber: string | null): void {
		this.#begun = null;
		this.#last = fragmentNumber ?? this.#last;
		this.#attempts = 0;
		this.#isFailureGiven = false;
	}
}

/** Whether the bytes failed, and not the service said that the fragment has. */
function isOfTransport(failure: FragmentFailureEvent): boolean {
	return failure.error !== null;
}

function failureOf(error: ArchiveError | null): FragmentFailureEvent {
	return new FragmentFailureEvent({
		index: null,
		fragmentNumber: null,
		code: null,
		name: isMalformed(error) ? failureNameOf(error) : 'TRUNCATED',
		message: error?.message ?? 'the fragment was not received completely',
		offset: error instanceof MediaError ? error.offset : null,
		retryable: !isUnsupported(error),
		error,
	});
}
