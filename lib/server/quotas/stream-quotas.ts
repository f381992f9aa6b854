import { clientLimitExceeded, connectionLimitExceeded } from '../wire/service-error.js';
import { CallWindow } from './call-window.js';
import { PointBucket } from './point-bucket.js';
import type { QuotaValues } from './quota-values.js';

/** What a request costs its stream. */
export interface RequestCost {
	/** The service's name of the operation. */
	readonly operation: string;
	/** One for each fragment that GetMediaForFragmentList names or of a clip, for a fragment of a session, and for an image that GetImages may give. */
	readonly mediaPoints: number;
	/**
	 * The MaxResults of a ListFragments, 400 more of a GetImages, the fragments of a clip, the MaxMediaPlaylistFragmentResults of a
	 * media playlist's session.
	 */
	readonly metadataPoints: number;
}

/** Operations on one stream that make, change and describe it. */
const controlOperations = [
	'GetDataEndpoint',
	'DescribeStream',
	'UpdateStream',
	'UpdateDataRetention',
	'DeleteStream',
	'TagStream',
	'UntagStream',
	'ListTagsForStream',
	'DescribeStreamStorageConfiguration',
	'UpdateStreamStorageConfiguration',
] as const;

/** Operations whose quota is the account's, which is the server's: they are about no stream that there is. */
const accountOperations: readonly string[] = ['CreateStream', 'ListStreams'];

/** Whether an operation's calls are counted for the whole server, whatever stream they name. */
export function isOfAccount(operation: string): boolean {
	return accountOperations.includes(operation);
}

/** Connections of one kind: responses that are open. */
interface Connections {
	readonly max: number;
	/** Of the response's body. */
	readonly bytesPerSecond: number;
	open: number;
}

/** The quotas of one stream, and how much of them is used. */
export class StreamQuotas {
	readonly #mediaPoints: PointBucket;
	readonly #metadataPoints: PointBucket;
	readonly #windows: ReadonlyMap<string, CallWindow>;
	readonly #connections: ReadonlyMap<string, Connections>;
	#nowMs = Number.NEGATIVE_INFINITY;

	constructor(values: QuotaValues) {
		this.#mediaPoints = new PointBucket(values.mediaPointsPerSecond);
		this.#metadataPoints = new PointBucket(values.metadataPointsPerSecond);
		const window = (operation: string, callsPerSecond: number): [string, CallWindow] => [
			operation,
			new CallWindow(callsPerSecond),
		];
		this.#windows = new Map([
			window('GetMediaForFragmentList', values.mediaCallsPerSecond),
			window('GetMedia', values.getMediaCallsPerSecond),
			window('PutMedia', values.putMediaCallsPerSecond),
			window('GetHLSStreamingSessionURL', values.sessionCallsPerSecond),
			window('GetDASHStreamingSessionURL', values.sessionCallsPerSecond),
			...controlOperations.map((operation) => window(operation, values.controlCallsPerSecond)),
			...accountOperations.map((operation) => window(operation, values.accountCallsPerSecond)),
		]);
		const connections = (max: number, bytesPerSecond: number): Connections => ({
			max,
			bytesPerSecond,
			open: 0,
		});
		this.#connections = new Map([
			['GetMediaForFragmentList', connections(values.mediaConnections, values.mediaBytesPerSecond)],
			['GetMedia', connections(values.getMediaConnections, values.getMediaBytesPerSecond)],
			// Its response holds acknowledgements alone.
			['PutMedia', connections(values.putMediaConnections, Number.POSITIVE_INFINITY)],
		]);
	}

	/**
	 * Admits a request that came at `arrivedAtMs` and takes its cost, or throws `ClientLimitExceededException`, for a connection
	 * of GetMedia or PutMedia `ConnectionLimitExceededException`, and takes nothing.
	 */
	admit({ operation, mediaPoints, metadataPoints }: RequestCost, arrivedAtMs: number): void {
		// Bodies are read side by side, so an earlier arrival may be judged after a later one.
		this.#nowMs = Math.max(this.#nowMs, arrivedAtMs);
		const window = this.#windows.get(operation);
		if (window?.isOpen(this.#nowMs) === false) throw clientLimitExceeded(`${operation} calls`);
		const connections = this.#connections.get(operation);
		if (connections !== undefined && connections.open >= connections.max) {
			throw operation === 'GetMediaForFragmentList'
				? clientLimitExceeded(`connections of ${operation}`)
				: connectionLimitExceeded(operation);
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

	/** How many connections of an operation are open; 0 for one whose connections have no quota. */
	openConnections(operation: string): number {
		return this.#connections.get(operation)?.open ?? 0;
	}

	/** An admitted request holds a connection of its operation, if that has such, until the returned function is called, once. */
	hold(operation: string): () => void {
		const connections = this.#connections.get(operation);
		if (connections === undefined) return () => {};
		connections.open++;
		return () => connections.open--;
	}

	/** Bytes a second of a response of that operation. `Infinity`: no limit. */
	responseBytesPerSecond(operation: string): number {
		return this.#connections.get(operation)?.bytesPerSecond ?? Number.POSITIVE_INFINITY;
	}
}
