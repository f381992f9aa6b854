import type { Readable } from 'node:stream';
import { type APIName, GetDataEndpointCommand, KinesisVideoClient } from '@aws-sdk/client-kinesis-video';
import {
	GetMediaForFragmentListCommand,
	KinesisVideoArchivedMediaClient,
	ListFragmentsCommand,
} from '@aws-sdk/client-kinesis-video-archived-media';
import { ArchiveError, InvalidOptionError } from '../errors.js';
import type { ResolvedTimeRange } from '../model/time-range.js';
import { type Clock, systemClock } from '../pace/clock.js';
import { unlessAborted } from '../stream/abort.js';
import { invalidMember, invalidResponse, toRequestError } from './aws-errors.js';
import { type CallOptions, observeCall } from './call-record.js';
import {
	type ClientSettings,
	clientConfig,
	isHttpUrl,
	resolveAnswerTimeoutMs,
	resolveEndpoint,
} from './client-settings.js';
import { type FragmentPage, readFragmentPage } from './fragment-page.js';
import { findOperation, type Operation, type OperationParams } from './operations.js';
import {
	type PresignedRequest,
	type PresignOptions,
	presignCommand,
	resolvePresignOptions,
} from './presigner.js';
import { checkStreamId, type StreamId, type StreamMembers } from './stream-id.js';
import { withinTime } from './time-limit.js';

/** SDK clients of the caller's own. They keep their settings, their retries among them, and are never closed here. */
export interface OwnClients {
	/** Asked for data endpoints. */
	readonly control?: KinesisVideoClient;
	/** Used as it is for every archived-media call; then no data endpoint is asked for. */
	readonly archivedMedia?: KinesisVideoArchivedMediaClient;
}

/** Options of {@link ArchiveClient}: the stream (exactly one of name and ARN) and how to reach it. */
export interface ArchiveClientOptions extends ClientSettings, StreamId {
	readonly clients?: OwnClients | undefined;
	/** What time it is, and what waits are counted by. @default the machine's own time */
	readonly clock?: Clock | undefined;
}

/** Where the SDKs look for the endpoint of the archived media; then no data endpoint is asked for. */
const DATA_ENDPOINT_VARIABLE = 'AWS_ENDPOINT_URL_KINESIS_VIDEO_ARCHIVED_MEDIA';

/**
 * The service for one stream: each method makes one attempt at one call, asking for the API's data endpoint first and
 * keeping it until a call fails. Errors are {@link RequestError}s, aborts the signal's reason.
 */
export class ArchiveClient {
	/** Name or ARN, as the caller gave it. */
	readonly stream: string;
	readonly #id: StreamMembers;
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
		const { stream, members, region } = checkStreamId(options);
		this.stream = stream;
		this.#id = members;
		this.#settings = { ...options, region: options.region ?? region };
		this.#controlEndpoint = resolveEndpoint(options.endpoint);
		this.#answerTimeoutMs = resolveAnswerTimeoutMs(options.answerTimeoutMs);
		this.#clock = options.clock ?? systemClock;
		this.#ownClients = options.clients ?? {};
	}

	/**
	 * Names what has quotas of its own, endpoint, region and stream, the same for a stream's name and its ARN. The region is
	 * the one that calls use: of the option, the ARN, the caller's client, the environment or the profile. Streams of one
	 * name in two accounts are not told apart, as only an ARN says the account.
	 */
	async quotaKey(): Promise<string> {
		const { archivedMedia, control } = this.#ownClients;
		const client = archivedMedia ?? control ?? this.#controlClient();
		// Without a region no call succeeds, and the call says why.
		const region = await client.config.region().catch(() => '');
		const name = 'StreamName' in this.#id ? this.#id.StreamName : this.#id.StreamARN.split('/')[1];
		return `${this.#controlEndpoint ?? ''} ${region} ${name}`;
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
			return readFragmentPage(await client.send(command, { abortSignal: signal }), this.stream);
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

	/**
	 * One attempt at any operation that answers in JSON, by AWS's name or boto3's. Members are the SDK's; the stream's name
	 * or ARN is filled in where neither is among them.
	 */
	async send<Name extends string>(
		name: Name,
		params: OperationParams<Name>,
		options: CallOptions = {},
	): Promise<Readonly<Record<string, unknown>>> {
		const operation = findOperation(name);
		const command = this.#command(operation, params);
		if (operation.apiName !== null) {
			return this.#call(operation.apiName, operation.name, options, (client, signal) =>
				sendAny(client, command, signal),
			);
		}
		const signal = options.signal ?? new AbortController().signal;
		const control = this.#ownClients.control ?? this.#controlClient();
		options.onSend?.();
		return this.#observed(operation.name, this.#controlEndpoint, options, signal, (limited) =>
			sendAny(control, command, limited),
		);
	}

	/**
	 * Signs a call for somebody else to send, see {@link PresignedRequest}; `params` as in {@link send}. Nothing is sent but
	 * the question for the data endpoint. `nowMs`: what the signature is dated, in epoch milliseconds.
	 */
	async presign<Name extends string>(
		name: Name,
		params: OperationParams<Name>,
		{ nowMs, ...options }: PresignOptions & { readonly nowMs: number },
	): Promise<PresignedRequest> {
		this.checkOpen();
		const operation = findOperation(name);
		const resolved = resolvePresignOptions(options);
		const command = this.#command(operation, params);
		const signal = options.signal ?? new AbortController().signal;
		signal.throwIfAborted();
		const client = await this.#clientFor(operation, options, signal);
		try {
			const sign = (): Promise<PresignedRequest> =>
				presignCommand(client, command, { ...resolved, signingDate: new Date(nowMs) });
			// Credentials may have to be fetched.
			return await withinTime(sign, { timeoutMs: this.#answerTimeoutMs, clock: this.#clock, signal });
		} catch (error) {
			signal.throwIfAborted();
			if (error instanceof InvalidOptionError) throw error;
			throw toRequestError(error, { operation: operation.name, stream: this.stream, endpoint: undefined });
		}
	}

	/** Throws `ArchiveError` (`KVS_CLOSED`) where `close` was called. */
	checkOpen(): void {
		this.#closing.signal.throwIfAborted();
	}

	/** Closes the connections of the clients made here; every call from then on fails with `KVS_CLOSED`. */
	close(): void {
		const message = `the archive of stream \`${this.stream}\` was closed; make another for further calls`;
		this.#closing.abort(new ArchiveError('KVS_CLOSED', message));
		for (const client of this.#madeClients.values()) client.destroy();
		this.#madeClients.clear();
		this.#madeControl?.destroy();
		this.#madeControl = null;
		this.#dataEndpoints.clear();
	}

	#command({ isOfStream, Command }: Operation, params: Readonly<Record<string, unknown>>): object {
		const isNamed = params['StreamName'] !== undefined || params['StreamARN'] !== undefined;
		const input = isOfStream && !isNamed ? { ...this.#id, ...params } : params;
		return new Command(input as never);
	}

	async #clientFor(
		{ apiName }: Operation,
		options: CallOptions,
		signal: AbortSignal,
	): Promise<KinesisVideoClient | KinesisVideoArchivedMediaClient> {
		const { control, archivedMedia } = this.#ownClients;
		if (apiName === null) return control ?? this.#controlClient();
		return archivedMedia ?? this.#archivedMediaClient(await this.#dataEndpoint(apiName, options, signal));
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
		const fixed = process.env[DATA_ENDPOINT_VARIABLE];
		if (fixed) {
			if (isHttpUrl(fixed)) return Promise.resolve(fixed);
			return Promise.reject(new InvalidOptionError(DATA_ENDPOINT_VARIABLE, 'an http or https URL', fixed));
		}
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
		if (typeof DataEndpoint !== 'string' || !isHttpUrl(DataEndpoint)) {
			const retryable = DataEndpoint === undefined;
			const said = invalidMember('DataEndpoint', 'an http or https URL', DataEndpoint);
			throw invalidResponse('GetDataEndpoint', this.stream, said, { retryable });
		}
		return DataEndpoint;
	}

	#observed<T>(
		operation: string,
		endpoint: string | undefined,
		{ onCall }: CallOptions,
		signal: AbortSignal,
		send: (signal: AbortSignal) => Promise<T>,
	): Promise<T> {
		this.checkOpen();
		const limits = { timeoutMs: this.#answerTimeoutMs, clock: this.#clock, signal };
		return observeCall({ operation, stream: this.stream, endpoint, onCall, signal }, () =>
			withinTime(send, limits),
		);
	}

	#controlClient(): KinesisVideoClient {
		this.#madeControl ??= new KinesisVideoClient({
			...clientConfig(this.#settings, this.#controlEndpoint),
			...(this.#controlEndpoint !== undefined && { endpoint: this.#controlEndpoint }),
		});
		return this.#madeControl;
	}

	#archivedMediaClient(endpoint: string): KinesisVideoArchivedMediaClient {
		this.checkOpen();
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

/** The SDK types its commands one by one; which belongs to which client is known by {@link findOperation} alone. */
async function sendAny(
	client: KinesisVideoClient | KinesisVideoArchivedMediaClient,
	command: object,
	abortSignal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
	const sender = client as unknown as {
		send(command: object, options: { abortSignal: AbortSignal }): Promise<{ $metadata: unknown }>;
	};
	const { $metadata: _, ...answer } = await sender.send(command, { abortSignal });
	return answer;
}
