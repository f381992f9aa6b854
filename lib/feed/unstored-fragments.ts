import { unlessAborted } from '../stream/abort.js';
import type { FeedFragment } from './feed-fragment.js';

/** Fragments that are not stored yet; then the media is read no further. As much as the longest fragment, and some. */
const MAX_UNSTORED_BYTES = 64_000_000;

/**
 * The fragments that the service has not stored yet, in order: those that were sent, and those that wait to be. They are kept
 * so that they can be sent again.
 */
export class UnstoredFragments {
	#fragments: FeedFragment[] = [];
	#sizeBytes = 0;
	/** How many were sent on the connection that is open. */
	#sent = 0;
	#isOver = false;
	#failure: Error | null = null;
	#wake = (): void => {};
	#change: Promise<void> = this.#nextChange();

	/** How many there are. */
	get count(): number {
		return this.#fragments.length;
	}

	/** Adds the next one, once there is room. Rejects with the signal's reason. */
	async add(fragment: FeedFragment, signal: AbortSignal): Promise<void> {
		await this.#until(() => this.#sizeBytes < MAX_UNSTORED_BYTES, signal);
		this.#fragments.push(fragment);
		this.#sizeBytes += fragment.bytes.byteLength;
		this.#changed();
	}

	/** No more will be added; with an error, that is what {@link next} and {@link isLeft} reject with in their place. */
	end(failure: Error | null): void {
		this.#isOver = true;
		this.#failure = failure;
		this.#changed();
	}

	/** Waits whether there is any to be stored. False where none is left and none will be added. */
	async isLeft(signal: AbortSignal): Promise<boolean> {
		await this.#until(() => this.#fragments.length > 0 || this.#isOver, signal);
		if (this.#fragments.length > 0) return true;
		if (this.#failure !== null) throw this.#failure;
		return false;
	}

	/** A new connection: all of them are to be sent. */
	rewind(): void {
		this.#sent = 0;
	}

	/** The next one to be sent on this connection; null where none is left and none will be added. */
	async next(signal: AbortSignal): Promise<FeedFragment | null> {
		await this.#until(() => this.#sent < this.#fragments.length || this.#isOver, signal);
		const fragment = this.#fragments[this.#sent];
		if (fragment === undefined) return null;
		this.#sent++;
		return fragment;
	}

	/** Removes the one of that timecode, which has come to its end. Null where it is not among them. */
	settle(timecodeMs: number): FeedFragment | null {
		const index = this.#fragments.findIndex((fragment) => fragment.timecodeMs === timecodeMs);
		const [fragment] = index < 0 ? [] : this.#fragments.splice(index, 1);
		if (fragment === undefined) return null;
		this.#sizeBytes -= fragment.bytes.byteLength;
		if (index < this.#sent) this.#sent--;
		this.#changed();
		return fragment;
	}

	#changed(): void {
		const wake = this.#wake;
		this.#change = this.#nextChange();
		wake();
	}

	#nextChange(): Promise<void> {
		return new Promise((resolve) => {
			this.#wake = resolve;
		});
	}

	async #until(condition: () => boolean, signal: AbortSignal): Promise<void> {
		while (!condition()) await unlessAborted(this.#change, signal);
		signal.throwIfAborted();
	}
}
