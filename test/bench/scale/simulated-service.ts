import type { Clock, Fragment } from 'kvs-archive';
import { resolveQuotas } from '#lib/server/quotas/quota-values.js';
import { StreamQuotas } from '#lib/server/quotas/stream-quotas.js';
import { SERVICE } from './costs.js';
import type { Random } from './random.js';

/** What cameras send. */
export interface Cameras {
	readonly fragmentMs: number;
	readonly bytesPerSecond: number;
}

/** Bytes a second of one response (quotas of the service). */
const RESPONSE_BYTES_PER_SECOND = 25_000_000;

/** How much the sizes of fragments differ from their mean, either way. */
const SIZE_SPREAD = 0.3;

/** The quota that refused a call. */
export class Throttled extends Error {}

/** A stream into which fragments come, one after the other, without end. */
export class SimulatedStream {
	readonly #cameras: Cameras;
	readonly #firstMs: number;
	readonly #listedAfterMs: number;
	readonly #quotas = new StreamQuotas(resolveQuotas('aws'));
	readonly name: string;

	constructor(name: string, cameras: Cameras, startMs: number, random: Random) {
		this.name = name;
		this.#cameras = cameras;
		this.#firstMs = startMs - random.between(0, cameras.fragmentMs);
		this.#listedAfterMs = random.between(...SERVICE.listedAfterMs);
	}

	/** The fragments from an index on that are listed at a time. */
	listed(from: number, nowMs: number): Fragment[] {
		const { fragmentMs, bytesPerSecond } = this.#cameras;
		const fragments: Fragment[] = [];
		for (let index = from; this.endMs(index) + this.#listedAfterMs <= nowMs; index++) {
			const startMs = this.endMs(index) - fragmentMs;
			// Of each index always the same.
			const spread = (((index * 2_654_435_761) >>> 0) / 2 ** 32) * 2 - 1;
			fragments.push({
				fragmentNumber: String(index),
				fragmentSizeInBytes: Math.round(((bytesPerSecond * fragmentMs) / 1000) * (1 + SIZE_SPREAD * spread)),
				producerTimestamp: new Date(startMs),
				serverTimestamp: new Date(startMs),
				fragmentLengthInMilliseconds: fragmentMs,
			});
		}
		return fragments;
	}

	/** When the fragment of an index ends. */
	endMs(index: number): number {
		return this.#firstMs + (index + 1) * this.#cameras.fragmentMs;
	}

	get quotas(): StreamQuotas {
		return this.#quotas;
	}
}

/** The service, as far as its quotas and delays go. Throws {@link Throttled}. */
export class SimulatedService {
	readonly #clock: Clock;
	readonly #random: Random;
	readonly calls = { ListFragments: 0, GetMediaForFragmentList: 0 };
	throttled = 0;
	bytes = 0;

	constructor(clock: Clock, random: Random) {
		this.#clock = clock;
		this.#random = random;
	}

	async listFragments(stream: SimulatedStream, from: number, maxResults: number): Promise<Fragment[]> {
		this.calls.ListFragments++;
		this.#admit(stream, { operation: 'ListFragments', mediaPoints: 0, metadataPoints: maxResults });
		const listed = stream.listed(from, this.#clock.now()).slice(0, maxResults);
		await this.#clock.sleep(this.#random.between(...SERVICE.listMs));
		return listed;
	}

	/** Resolves when the response has come to its end. */
	async getMedia(stream: SimulatedStream, fragments: readonly Fragment[]): Promise<void> {
		this.calls.GetMediaForFragmentList++;
		const operation = 'GetMediaForFragmentList';
		this.#admit(stream, { operation, mediaPoints: fragments.length, metadataPoints: 0 });
		const close = stream.quotas.hold(operation);
		const sizeBytes = fragments.reduce((sum, { fragmentSizeInBytes }) => sum + fragmentSizeInBytes, 0);
		this.bytes += sizeBytes;
		const downloadMs = (sizeBytes / RESPONSE_BYTES_PER_SECOND) * 1000;
		await this.#clock.sleep(this.#random.between(...SERVICE.mediaMs) + downloadMs);
		close();
	}

	#admit(stream: SimulatedStream, cost: Parameters<StreamQuotas['admit']>[0]): void {
		try {
			stream.quotas.admit(cost, this.#clock.now());
		} catch {
			this.throttled++;
			throw new Throttled(cost.operation);
		}
	}
}
