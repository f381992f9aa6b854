import { channel } from 'node:diagnostics_channel';
import type { Readable } from 'node:stream';
import { type APIName, GetDataEndpointCommand, KinesisVideoClient } from '@aws-sdk/client-kinesis-video';
import {
	type Fragment as AwsFragment,
	GetMediaForFragmentListCommand,
	KinesisVideoArchivedMediaClient,
	ListFragmentsCommand,
} from '@aws-sdk/client-kinesis-video-archived-media';
import { unlessAborted } from '../abort.js';
import { InvalidOptionError, RequestError } from '../errors.js';
import type { Fragment } from '../model/fragment.js';
import type { ResolvedTimeRange } from '../model/time-range.js';
import { type Clock, systemClock } from '../pace/clock.js';
import { invalidResponse, toRequestError } from './aws-errors.js';
import {
	type ClientSettings,
	clientConfig,
	resolveAnswerTimeoutMs,
	resolveEndpoint,
} from './client-settings.js';
import { withinTime } from './time-limit.js';

/** SDK clients of the caller's own. They keep their settings, their retries among them, and are never closed here. */
export interface OwnClients {
	/** Asked for data endpoints. */
	readonly control?: KinesisVideoClient;
	/** Used as it is for every archived-media call; then no data endpoint is asked for. */
	readonly archivedMedia?: KinesisVideoArchivedMediaClient;
}

/** Options of {@link ArchiveClient}: the stream (exactly one of name and ARN) and how to reach it. */
export interface ArchiveClientOptions extends ClientSettings {
	readonly streamName?: string | undefined;
	readonly streamArn?: string | undefined;
	readonly clients?: OwnClients | undefined;
	/** What waits are counted by. @default the machine's own time */
	readonly clock?: Clock | undefined;
}

/** Options of a single call. */
export interface CallOptions {
	readonly signal?: AbortSignal | undefined;
	/** Told about every request that goes out, once its answer has come. */
	readonly onCall?: ((call: CallRecord) => void) | undefined;
	/** Called right before the request itself goes out, behind the question for its endpoint. */
	readonly onSend?: (() => void) | undefined;
}

/** One request to the service, as {@link CallOptions} and the diagnostics channel `kvs-archive:call` report it. */
export interface CallRecord {
	readonly operation: string;
	/** Name or ARN, as the caller gave it. */
	readonly stream: string;
	readonly outcome: 'answered' | 'throttled' | 'failed';
	/** Until the answer's headers, in milliseconds. */
	readonly durationMs: number;
}

/** Every request of the process, for those who trace. */
const callChannel = channel('kvs-archive:call');

/** One page of ListFragments. Unordered, as the service gives it. */
export interface FragmentPage {
	readonly fragments: readonly Fragment[];
	readonly nextToken: string | null;
	/** The answer had neither a list nor a token: nothing is stored there, or its body was lost on the way. */
	readonly isBlank: boolean;
}

/**
 * The service for one stream: each method makes one attempt at one call, asking for the API's data endpoint first and
 * keeping it until a call fails. Errors are {@link RequestError}s, aborts the signal's reason.
 */
export class ArchiveClient {
	/** Name or ARN, as the caller gave it. */
	readonly stream: string;
	readonly #id: { readonly StreamName: string } | { readonly StreamARN: string };
	readonly #settings: ClientSettings;
	readonly #controlEndpoint: string | undefined;
	readonly #answerTimeoutMs: number;
	readonly #clock: Clock;
	readonly #ownClients: OwnClients;
	readonly #madeClients = new Map<string, KinesisVideoArchivedMediaClient>();
	readonly #dataEndpoints = new Map<APIName, Promise<string>>();
	readonly #closing = new AbortController();
	#madeControl: KinesisVideoClient | null = null;

	constructor(options: ArchiveClientOptions) {
		const { streamName, streamArn } = options;
		if ((streamName === undefined) === (streamArn === undefined)) {
			throw new InvalidOptionError('streamName', 'given, or `streamArn`, and not both', streamName);
		}
		if (streamName !== undefined && !/^[a-zA-Z0-9_.-]{1,256}$/.test(streamName)) {
			throw new InvalidOptionError('streamName', '1 to 256 letters, digits, `_`, `.` or `-`', streamName);
		}
		if (
			streamArn !== undefined &&
			!/^arn:[a-z\d-]+:kinesisvideo:[a-z0-9-]+:[0-9]+:[a-z]+\/[a-zA-Z0-9_.-]+\/[0-9]+$/.test(streamArn)
		) {
			throw new InvalidOptionError('streamArn', 'the ARN of a Kinesis video stream', streamArn);
		}
		this.stream = streamName ?? (streamArn as string);
		this.#id = streamName === undefined ? { StreamARN: streamArn as string } : { StreamName: streamName };
		this.#settings = { ...options, region: options.region ?? regionOf(streamArn) };
		this.#controlEndpoint = resolveEndpoint(options.endpoint);
		this.#answerTimeoutMs = resolveAnswerTimeoutMs(options.answerTimeoutMs);
		this.#clock = options.clock ?? systemClock;
		this.#ownClients = options.clients ?? {};
	}

	/** Tells apart what has quotas of its own: endpoint, region and stream. */
	get quotaKey(): string {
		return `${this.#controlEndpoint ?? ''} ${this.#settings.region ?? ''} ${this.stream}`;
	}

	/** One page of a range, or the page a token of the same range names. */
	async listFragments(
		range: ResolvedTimeRange,
		{ maxResults, nextToken }: { maxResults: number; nextToken?: string | null },
		options: CallOptions = {},
	): Promise<FragmentPage> {
		const command = new ListFragmentsCommand({
			...this.#id,
			MaxResults: maxResults,
			...(nextToken
				? { NextToken: nextToken }
				: {
						FragmentSelector: {
							FragmentSelectorType: range.by === 'server' ? 'SERVER_TIMESTAMP' : 'PRODUCER_TIMESTAMP',
							TimestampRange: { StartTimestamp: new Date(range.fromMs), EndTimestamp: new Date(range.toMs) },
						},
					}),
		});
		return this.#call('LIST_FRAGMENTS', 'ListFragments', options, async (client, signal) => {
			const { Fragments, NextToken } = await client.send(command, { abortSignal: signal });
			return {
				fragments: (Fragments ?? []).map(toFragment),
				nextToken: NextToken || null,
				isBlank: Fragments === undefined && NextToken === undefined,
			};
		});
	}

	/** The media of up to 1,000 fragments. The body is the caller's: it must be read to its end or destroyed. */
	async getMediaForFragmentList(
		fragmentNumbers: readonly string[],
		options: CallOptions = {},
	): Promise<Readable> {
		const command = new GetMediaForFragmentListCommand({ ...this.#id, Fragments: [...fragmentNumbers] });
		return this.#call(
			'GET_MEDIA_FOR_FRAGMENT_LIST',
			'GetMediaForFragmentList',
			options,
			async (client, signal) => {
				const { Payload } = await client.send(command, { abortSignal: signal });
				return Payload as unknown as Readable;
			},
		);
	}

	/** Closes the connections of the clients made here. */
	close(): void {
		this.#closing.abort();
		for (const client of this.#madeClients.values()) client.destroy();
		this.#madeClients.clear();
		this.#madeControl?.destroy();
		this.#madeControl = null;
		this.#dataEndpoints.clear();
	}

	async #call<T>(
		apiName: APIName,
		operation: string,
		options: CallOptions,
		send: (client: KinesisVideoArchivedMediaClient, signal: AbortSignal) => Promise<T>,
	): Promise<T> {
		// The SDK tells an abort apart by its signal only; without one from the caller it gets one that never fires.
		const signal = options.signal ?? new AbortController().signal;
		const own = this.#ownClients.archivedMedia;
		const endpoint = own === undefined ? await this.#dataEndpoint(apiName, options, signal) : undefined;
		const client = own ?? this.#archivedMediaClient(endpoint as string);
		options.onSend?.();
		try {
			return await this.#observed(operation, endpoint, options, signal, (callSignal) =>
				send(client, callSignal),
			);
		} catch (error) {
			// An endpoint may move: the next call asks anew (API_GetDataEndpoint).
			this.#dataEndpoints.delete(apiName);
			throw error;
		}
	}

	#dataEndpoint(apiName: APIName, options: CallOptions, signal: AbortSignal): Promise<string> {
		const fixed = process.env['AWS_ENDPOINT_URL_KINESIS_VIDEO_ARCHIVED_MEDIA'];
		if (fixed) return Promise.resolve(fixed);
		let asked = this.#dataEndpoints.get(apiName);
		if (asked === undefined) {
			// The answer is for everyone who waits for it, so that one caller's abort must not take it from the others.
			asked = this.#askDataEndpoint(apiName, options);
			this.#dataEndpoints.set(apiName, asked);
			asked.catch(() => this.#dataEndpoints.delete(apiName));
		}
		return unlessAborted(asked, signal);
	}

	async #askDataEndpoint(apiName: APIName, options: CallOptions): Promise<string> {
		const { signal } = this.#closing;
		const control = this.#ownClients.control ?? this.#controlClient();
		const command = new GetDataEndpointCommand({ ...this.#id, APIName: apiName });
		const { DataEndpoint } = await this.#observed(
			'GetDataEndpoint',
			this.#controlEndpoint,
			options,
			signal,
			(callSignal) => control.send(command, { abortSignal: callSignal }),
		);
		if (DataEndpoint === undefined || !URL.canParse(DataEndpoint)) {
			const retryable = DataEndpoint === undefined;
			throw invalidResponse('GetDataEndpoint', this.stream, 'answered no URL', { retryable });
		}
		return DataEndpoint;
	}

	async #observed<T>(
		operation: string,
		endpoint: string | undefined,
		{ onCall }: CallOptions,
		signal: AbortSignal,
		send: (signal: AbortSignal) => Promise<T>,
	): Promise<T> {
		const startMs = performance.now();
		const report = (outcome: CallRecord['outcome']): void => {
			const record: CallRecord = {
				operation,
				stream: this.stream,
				outcome,
				durationMs: performance.now() - startMs,
			};
			onCall?.(record);
			callChannel.publish(record);
		};
		try {
			const answer = await withinTime(send, { timeoutMs: this.#answerTimeoutMs, clock: this.#clock, signal });
			report('answered');
			return answer;
		} catch (error) {
			signal.throwIfAborted();
			const wrapped = toRequestError(error, { operation, stream: this.stream, endpoint });
			const isThrottled = wrapped instanceof RequestError && wrapped.code === 'KVS_THROTTLED';
			report(isThrottled ? 'throttled' : 'failed');
			throw wrapped;
		}
	}

	#controlClient(): KinesisVideoClient {
		this.#madeControl ??= new KinesisVideoClient({
			...clientConfig(this.#settings, this.#controlEndpoint),
			...(this.#controlEndpoint !== undefined && { endpoint: this.#controlEndpoint }),
		});
		return this.#madeControl;
	}

	#archivedMediaClient(endpoint: string): KinesisVideoArchivedMediaClient {
		let client = this.#madeClients.get(endpoint);
		if (client === undefined) {
			client = new KinesisVideoArchivedMediaClient({
				...clientConfig(this.#settings, this.#controlEndpoint ?? endpoint),
				endpoint,
			});
			this.#madeClients.set(endpoint, client);
		}
		return client;
	}
}

function toFragment(fragment: AwsFragment): Fragment {
	return {
		fragmentNumber: fragment.FragmentNumber ?? '',
		fragmentSizeInBytes: fragment.FragmentSizeInBytes ?? 0,
		producerTimestamp: fragment.ProducerTimestamp ?? new Date(0),
		serverTimestamp: fragment.ServerTimestamp ?? new Date(0),
		fragmentLengthInMilliseconds: fragment.FragmentLengthInMilliseconds ?? 0,
	};
}

/** An ARN says its region. */
function regionOf(streamArn: string | undefined): string | undefined {
	return streamArn?.split(':')[3];
}
