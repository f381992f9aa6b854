import type { Readable } from 'node:stream';
import type { APIName, KinesisVideoClient } from '@aws-sdk/client-kinesis-video';
import { ArchiveError, InvalidOptionError } from '../errors.js';
import type { ResolvedTimeRange } from '../model/time-range.js';
import { type Clock, systemClock } from '../pace/clock.js';
import { withoutCredentials } from '../wording/without-credentials.js';
import { invalidMember, invalidResponse, toRequestError } from './aws-errors.js';
import { type CallOptions, observeCall } from './call-record.js';
import { type ClientIdentity, readIdentity } from './client-identity.js';
import {
	type ClientSettings,
	checkCredentials,
	isHttpUrl,
	resolveEndpoint,
	resolveResponseTimeoutMs,
} from './client-settings.js';
import { DataEndpoints } from './data-endpoints.js';
import { type FragmentPage, readFragmentPage } from './fragment-page.js';
import { type LiveMedia, type LiveSelector, sendGetMedia } from './live-media.js';
import { type DataApi, findOperation, type Operation, type OperationParams } from './operations.js';
import {
	type PresignedRequest,
	type PresignOptions,
	presignCommand,
	resolvePresignOptions,
} from './presigner.js';
import { type PutMediaRequest, type PutMediaTimes, signPutMedia } from './put-media-signer.js';
import { selectorOf } from './range-selector.js';
import type { OwnClients, SharedClients } from './sdk-clients.js';
import { type DataClient, noteSending, SdkClients, sendCommand } from './sdk-clients.js';
import { checkStreamId, type StreamId, type StreamMembers } from './stream-id.js';
import { withTimeout } from './with-timeout.js';

/** Options of {@link ArchiveClient}: the stream (exactly one of name and ARN) and how to reach it. */
export interface ArchiveClientOptions extends ClientSettings, StreamId {
	/** The caller's own, or those that other archives have too. @default made here, and closed with the archive */
	readonly clients?: OwnClients | SharedClients | undefined;
	/** What time it is, and what waits are counted by. @default the machine's own time */
	readonly clock?: Clock | undefined;
}

/**
 * The service for one stream: each method makes one attempt at one call, to the API's data endpoint, which is requested
 * first and kept until a call fails. Errors are {@link RequestError}s, aborts the signal's reason.
 */
export class ArchiveClient {
	/** Name or ARN, as the caller gave it. */
	readonly stream: string;
	readonly #id: StreamMembers;
	readonly #closing = new AbortController();
	readonly #controlEndpoint: string | undefined;
	readonly #responseTimeoutMs: number;
	readonly #clock: Clock;
	readonly #clients: SdkClients;
	/** The stream's data endpoints. What is known of them may be used by another client of the same stream. */
	readonly dataEndpoints = new DataEndpoints((apiName, options: CallOptions) =>
		this.#askDataEndpoint(apiName, options),
	);

	constructor(options: ArchiveClientOptions) {
		const { stream, members, region } = checkStreamId(options);
		this.stream = stream;
		this.#id = members;
		checkCredentials(options.credentials);
		this.#controlEndpoint = resolveEndpoint(options.endpoint);
		this.#responseTimeoutMs = resolveResponseTimeoutMs(options.responseTimeoutMs);
		this.#clock = options.clock ?? systemClock;
		const settings = { ...options, region: options.region ?? region };
		const { clients = {} } = options;
		this.#clients = new SdkClients(settings, this.#controlEndpoint, clients, this.#closing.signal);
	}

	/**
	 * Names what has quotas of its own, endpoint, region and stream, the same for a stream's name and its ARN. The region is
	 * the one that calls use: of the option, the ARN, the caller's client, the environment or the profile. Streams of one
	 * name in two accounts are taken for one, as only an ARN names the account. Holds no credentials.
	 */
	async quotaKey(): Promise<string> {
		const region = await this.#clients.region();
		const name = 'StreamName' in this.#id ? this.#id.StreamName : this.#id.StreamARN.split('/')[1];
		const endpoint = this.#controlEndpoint === undefined ? '' : withoutCredentials(this.#controlEndpoint);
		return `${endpoint} ${region} ${name}`;
	}

	/** As whom and where calls are made, and what is wrong with the credentials; sends the service nothing. */
	identity(): Promise<ClientIdentity> {
		return readIdentity(this.#clients, this.#controlEndpoint, this.stream);
	}

	/** One page of a range, or the page a token of the same range names. */
	async listFragments(
		range: ResolvedTimeRange,
		{ maxResults, nextToken }: { maxResults: number; nextToken?: string | null },
		options: CallOptions = {},
	): Promise<FragmentPage> {
		const operation = findOperation('ListFragments');
		const place = nextToken ? { NextToken: nextToken } : { FragmentSelector: selectorOf(range) };
		const command = await this.#command(operation, { MaxResults: maxResults, ...place }, options);
		return this.#call(operation, options, async (client, signal) => {
			return readFragmentPage(await sendCommand(client, command, signal), this.stream);
		});
	}

	/** The media of up to 1,000 fragments. The body is the caller's: it must be read to its end or destroyed. */
	async getMediaForFragmentList(
		fragmentNumbers: readonly string[],
		options: CallOptions = {},
	): Promise<Readable> {
		const operation = findOperation('GetMediaForFragmentList');
		const command = await this.#command(operation, { Fragments: [...fragmentNumbers] }, options);
		return this.#call(operation, options, async (client, signal) => {
			return (await sendCommand(client, command, signal))['Payload'] as Readable;
		});
	}

	/** A clip of a range, one MP4 file. The body is the caller's: it must be read to its end or destroyed. Aborted when the client is closed, too. */
	async getClip(range: ResolvedTimeRange, options: CallOptions = {}): Promise<Readable> {
		const operation = findOperation('GetClip');
		const command = await this.#command(operation, { ClipFragmentSelector: selectorOf(range) }, options);
		const closable = { ...options, signal: this.#untilClosed(options) };
		return this.#call(operation, closable, async (client, signal) => {
			return (await sendCommand(client, command, signal))['Payload'] as Readable;
		});
	}

	/** The media of the stream from a place on, as it comes. Aborted when the client is closed, too. */
	async getMedia(start: LiveSelector, options: CallOptions = {}): Promise<LiveMedia> {
		const operation = findOperation('GetMedia');
		const command = await this.#command(operation, { StartSelector: start }, options);
		const closable = { ...options, signal: this.#untilClosed(options) };
		return this.#call(operation, closable, (client, signal) => sendGetMedia(client, command, signal));
	}

	/**
	 * One attempt at any operation that responds with JSON, by AWS's name or boto3's. Members are the SDK's; the stream's name
	 * or ARN is filled in where neither is among them.
	 */
	async send<Name extends string>(
		name: Name,
		params: OperationParams<Name>,
		options: CallOptions = {},
	): Promise<Readonly<Record<string, unknown>>> {
		const operation = findOperation(name);
		const command = await this.#command(operation, params, options);
		if (operation.data !== null) {
			return this.#call(operation, options, (client, signal) => sendCommand(client, command, signal));
		}
		const signal = options.signal ?? new AbortController().signal;
		const control = await this.#clients.control();
		return this.#observed(operation.name, this.#controlEndpoint, options, signal, (limited) =>
			sendCommand(control, command, limited),
		);
	}

	/**
	 * Creates a presigned request, see {@link PresignedRequest}; `params` as in {@link send}. Nothing is sent but the
	 * GetDataEndpoint request. `nowMs`: what the signature is dated, in epoch milliseconds.
	 */
	async presign<Name extends string>(
		name: Name,
		params: OperationParams<Name>,
		{ nowMs, ...options }: PresignOptions & { readonly nowMs: number },
	): Promise<PresignedRequest> {
		this.checkOpen();
		const operation = findOperation(name);
		const resolved = resolvePresignOptions(options);
		const command = await this.#command(operation, params);
		const signal = options.signal ?? new AbortController().signal;
		signal.throwIfAborted();
		const client = await this.#clientFor(operation, options, signal);
		try {
			const sign = (): Promise<PresignedRequest> =>
				presignCommand(client, command, { ...resolved, signingDate: new Date(nowMs) });
			// Credentials may have to be fetched.
			return await withTimeout(sign, { timeoutMs: this.#responseTimeoutMs, clock: this.#clock, signal });
		} catch (error) {
			signal.throwIfAborted();
			if (error instanceof InvalidOptionError) throw error;
			const { profile } = this.#clients;
			const target = { operation: operation.name, stream: this.stream, endpoint: undefined, profile };
			throw toRequestError(error, target);
		}
	}

	/**
	 * Makes a PutMedia request, see {@link PutMediaRequest}, and has `send` make one attempt at it, as one call. Aborted when the
	 * client is closed, too.
	 */
	async putMedia<T>(
		times: PutMediaTimes,
		send: (request: PutMediaRequest, signal: AbortSignal) => Promise<T>,
		options: CallOptions = {},
	): Promise<T> {
		const signal = this.#untilClosed(options);
		const endpoint = await this.dataEndpoints.get('PUT_MEDIA', options, signal);
		const control = await this.#clients.control();
		try {
			return await this.#observed('PutMedia', endpoint, options, signal, async (callSignal) => {
				const date = new Date(this.#clock.now());
				const request = await signPutMedia(control, endpoint, this.#id, times, date);
				options.onSend?.();
				return send(request, callSignal);
			});
		} catch (error) {
			this.dataEndpoints.forget('PUT_MEDIA');
			throw error;
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
		this.#clients.close();
		this.dataEndpoints.clear();
	}

	async #command(
		{ requiresStream, loadCommand }: Operation,
		params: Readonly<Record<string, unknown>>,
		{ onSend }: CallOptions = {},
	): Promise<object> {
		const isNamed = params['StreamName'] !== undefined || params['StreamARN'] !== undefined;
		const input = requiresStream && !isNamed ? { ...this.#id, ...params } : params;
		const Command = await loadCommand();
		const command = new Command(input as never);
		if (onSend !== undefined) noteSending(command, onSend);
		return command;
	}

	/** Aborted with the caller's own, and when this is closed. */
	#untilClosed({ signal }: CallOptions): AbortSignal {
		return AbortSignal.any([this.#closing.signal, ...(signal ? [signal] : [])]);
	}

	async #clientFor(
		{ data }: Operation,
		options: CallOptions,
		signal: AbortSignal,
	): Promise<KinesisVideoClient | DataClient> {
		if (data === null) return this.#clients.control();
		const endpoint = (): Promise<string> => this.dataEndpoints.get(data.apiName, options, signal);
		return this.#clients.own(data.client) ?? this.#clients.data(data.client, await endpoint());
	}

	async #call<T>(
		{ name, data }: Operation,
		options: CallOptions,
		send: (client: DataClient, signal: AbortSignal) => Promise<T>,
	): Promise<T> {
		// The SDK tells an abort apart by its signal only; without one from the caller it gets one that never fires.
		const signal = options.signal ?? new AbortController().signal;
		const { apiName, client: clientName } = data as DataApi;
		const own = this.#clients.own(clientName);
		const endpoint = own === null ? await this.dataEndpoints.get(apiName, options, signal) : undefined;
		const client = own ?? (await this.#clients.data(clientName, endpoint as string));
		try {
			return await this.#observed(name, endpoint, options, signal, (callSignal) => send(client, callSignal));
		} catch (error) {
			this.dataEndpoints.forget(apiName);
			throw error;
		}
	}

	async #askDataEndpoint(apiName: APIName, options: CallOptions): Promise<string> {
		const { signal } = this.#closing;
		const control = await this.#clients.control();
		const command = await this.#command(findOperation('GetDataEndpoint'), { APIName: apiName });
		const ask = (callSignal: AbortSignal) => sendCommand(control, command, callSignal);
		const endpoint = this.#controlEndpoint;
		const { DataEndpoint } = await this.#observed('GetDataEndpoint', endpoint, options, signal, ask);
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
		const limits = { timeoutMs: this.#responseTimeoutMs, clock: this.#clock, signal };
		const target = { operation, stream: this.stream, endpoint, profile: this.#clients.profile };
		return observeCall({ ...target, onCall, signal }, () => withTimeout(send, limits));
	}
}
