import { clientLimitExceeded } from '../wire/service-error.js';
import { CallWindow } from './call-window.js';
import { PointBucket } from './point-bucket.js';
import type { QuotaValues } from './quota-values.js';

/** What a request costs its stream. */
export interface RequestCost {
	/** The service's name of the operation. */
	readonly operation: string;
	/** One for each fragment that GetMediaForFragmentList names, one for a fragment of a session. */
	readonly mediaPoints: number;
	/** The MaxResults of a ListFragments, the MaxMediaPlaylistFragmentResults of a media playlist's session. */
	readonly metadataPoints: number;
}

/** The quotas of one stream, and how much of them is used. */
export class StreamQuotas {
	/** Open GetMediaForFragmentList responses; the server counts them up and down. */
	openMediaConnections = 0;
	readonly #values: QuotaValues;
	readonly #mediaPoints: PointBucket;
	readonly #metadataPoints: PointBucket;
	readonly #windows: ReadonlyMap<string, CallWindow>;
	#nowMs = Number.NEGATIVE_INFINITY;

	constructor(values: QuotaValues) {
		this.#values = values;
		this.#mediaPoints = new PointBucket(values.mediaPointsPerSecond);
		this.#metadataPoints = new PointBucket(values.metadataPointsPerSecond);
		this.#windows = new Map([
			['GetMediaForFragmentList', new CallWindow(values.mediaCallsPerSecond)],
			['GetDataEndpoint', new CallWindow(values.controlCallsPerSecond)],
			['DescribeStream', new CallWindow(values.controlCallsPerSecond)],
			['GetHLSStreamingSessionURL', new CallWindow(values.sessionCallsPerSecond)],
		]);
	}

	/**
	 * Admits a request that came at `arrivedAtMs` and takes its cost, or throws `ClientLimitExceededException` and takes
	 * nothing.
	 */
	admit({ operation, mediaPoints, metadataPoints }: RequestCost, arrivedAtMs: number): void {
		// Bodies are read side by side, so an earlier arrival may be judged after a later one.
		this.#nowMs = Math.max(this.#nowMs, arrivedAtMs);
		const window = this.#windows.get(operation);
		if (window?.isOpen(this.#nowMs) === false) throw clientLimitExceeded(`${operation} calls`);
		const isConnection = operation === 'GetMediaForFragmentList';
		if (isConnection && mediaPoints > 0 && this.openMediaConnections >= this.#values.mediaConnections) {
			throw clientLimitExceeded(`connections of ${operation}`);
		}
		if (mediaPoints > 0 && !this.#mediaPoints.isPositive(this.#nowMs)) {
			throw clientLimitExceeded('fragment-media points');
		}
		if (metadataPoints > 0 && !this.#metadataPoints.isPositive(this.#nowMs)) {
			throw clientLimitExceeded('fragment-metadata points');
		}
		window?.add(this.#nowMs);
		this.#mediaPoints.spend(mediaPoints);
		this.#metadataPoints.spend(metadataPoints);
	}
}
