import type { KinesisVideoClient } from '@aws-sdk/client-kinesis-video';
import type { KinesisVideoArchivedMediaClient } from '@aws-sdk/client-kinesis-video-archived-media';
import type { KinesisVideoMediaClient } from '@aws-sdk/client-kinesis-video-media';
import { ArchiveError } from '../errors.js';
import { checkRegion } from '../wording/region-name.js';
import { type ClientSettings, clientConfig } from './client-settings.js';
import type { DataClientName } from './operations.js';

/** SDK clients of the caller's own. They keep their settings, their retries among them, and are never closed here. */
export interface OwnClients {
	/** Requests data endpoints. */
	readonly control?: KinesisVideoClient;
	/** Used as it is for every archived-media call; then no data endpoint is requested. */
	readonly archivedMedia?: KinesisVideoArchivedMediaClient;
	/** Used as it is for GetMedia; then no data endpoint is requested. */
	readonly media?: KinesisVideoMediaClient;
}

/** A client for a data endpoint. */
export type DataClient = KinesisVideoArchivedMediaClient | KinesisVideoMediaClient;

/**
 * SDK clients that many archives share, for a process that reads many streams: those of the same endpoint, region, profile and
 * credentials have the same connections, and fetch credentials once. An archive that is closed leaves them open.
 */
export class SharedClients {
	readonly #clients = new Map<string, KinesisVideoClient | DataClient>();
	/** Credentials are compared by what they are, and not by what is in them. */
	readonly #credentials = new Map<unknown, number>();
	#isClosed = false;

	/**
	 * The client that was made with the same, or else the one that `make` makes. Throws `ArchiveError` (`KVS_CLOSED`).
	 *
	 * @internal
	 */
	get<Client extends KinesisVideoClient | DataClient>(
		name: 'control' | DataClientName,
		settings: ClientSettings,
		endpoints: readonly (string | undefined)[],
		make: () => Client,
	): Client {
		if (this.#isClosed)
			throw new ArchiveError('KVS_CLOSED', 'the shared clients were closed before this call; make others');
		const { region, profile, credentials } = settings;
		const identity = this.#credentials.get(credentials) ?? this.#credentials.size;
		this.#credentials.set(credentials, identity);
		const key = JSON.stringify([name, ...endpoints, region, profile, identity]);
		const client = (this.#clients.get(key) as Client | undefined) ?? make();
		this.#clients.set(key, client);
		return client;
	}

	/** Closes the connections: what is under way fails, and so does every archive that was given them. */
	close(): void {
		this.#isClosed = true;
		for (const client of this.#clients.values()) client.destroy();
		this.#clients.clear();
		this.#credentials.clear();
	}
}

/**
 * The SDK's clients: the caller's own, shared ones, or made here when they are needed. The SDK is loaded by the first that is made, so
 * that importing this package does not take as long as the SDK does.
 */
export class SdkClients {
	readonly #settings: ClientSettings;
	readonly #controlEndpoint: string | undefined;
	readonly #own: OwnClients;
	readonly #shared: SharedClients;
	/** Whether they are closed here. */
	readonly #isShared: boolean;
	readonly #signal: AbortSignal;

	/**
	 * Throws `InvalidOptionError` for a region that is not valid.
	 *
	 * @param signal - once it is aborted no client is made
	 */
	constructor(
		settings: ClientSettings,
		controlEndpoint: string | undefined,
		clients: OwnClients | SharedClients,
		signal: AbortSignal,
	) {
		checkRegion(settings.region);
		this.#settings = settings;
		this.#controlEndpoint = controlEndpoint;
		this.#isShared = clients instanceof SharedClients;
		this.#own = clients instanceof SharedClients ? {} : clients;
		this.#shared = clients instanceof SharedClients ? clients : new SharedClients();
		this.#signal = signal;
	}

	/** The AWS profile that credentials are read from; undefined where none is named, or the caller gave credentials. */
	get profile(): string | undefined {
		const { credentials, profile } = this.#settings;
		return credentials === undefined ? (profile ?? process.env['AWS_PROFILE']) : undefined;
	}

	/** The caller's own client, which needs no data endpoint; null where there is none. */
	own(name: DataClientName): DataClient | null {
		return this.#own[name] ?? null;
	}

	/** The client that requests data endpoints. Rejects with the signal's reason. */
	async control(): Promise<KinesisVideoClient> {
		if (this.#own.control !== undefined) return this.#own.control;
		const { KinesisVideoClient } = await import('@aws-sdk/client-kinesis-video');
		this.#signal.throwIfAborted();
		const endpoint = this.#controlEndpoint;
		return this.#shared.get('control', this.#settings, [endpoint], () => {
			const config = clientConfig(this.#settings, endpoint);
			return new KinesisVideoClient({ ...config, ...(endpoint !== undefined && { endpoint }) });
		});
	}

	/** The client of that name for a data endpoint. Rejects with the signal's reason. */
	async data(name: DataClientName, endpoint: string): Promise<DataClient> {
		const Client = await (name === 'media' ? loadMedia() : loadArchivedMedia());
		this.#signal.throwIfAborted();
		const configured = this.#controlEndpoint ?? endpoint;
		return this.#shared.get(name, this.#settings, [configured, endpoint], () => {
			return new Client({ ...clientConfig(this.#settings, configured), endpoint });
		});
	}

	/** The region that calls use: of the caller's client, the settings, the environment or the profile; empty where none says it. */
	async region(): Promise<string> {
		const client = this.#own.archivedMedia ?? this.#own.media ?? (await this.control());
		// Without a region no call succeeds, and the call says why.
		return client.config.region().catch(() => '');
	}

	/** Closes the connections of the clients made here; shared ones stay open. */
	close(): void {
		if (!this.#isShared) this.#shared.close();
	}
}

async function loadArchivedMedia(): Promise<typeof KinesisVideoArchivedMediaClient> {
	return (await import('@aws-sdk/client-kinesis-video-archived-media')).KinesisVideoArchivedMediaClient;
}

async function loadMedia(): Promise<typeof KinesisVideoMediaClient> {
	return (await import('@aws-sdk/client-kinesis-video-media')).KinesisVideoMediaClient;
}

/** Sends a command of the SDK, which types them one by one: which belongs to which client is known by `findOperation` alone. */
export async function sendCommand(
	client: KinesisVideoClient | DataClient,
	command: object,
	abortSignal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
	const sender = client as unknown as {
		send(command: object, options: { abortSignal: AbortSignal }): Promise<{ $metadata: unknown }>;
	};
	const { $metadata: _, ...response } = await sender.send(command, { abortSignal });
	return response;
}

/** Calls `onSend` when a command of the SDK is signed and goes out. */
export function noteSending(command: object, onSend: () => void): void {
	const { middlewareStack } = command as {
		readonly middlewareStack: { add(middleware: unknown, options: object): void };
	};
	const note = (next: (args: unknown) => Promise<unknown>) => (args: unknown) => {
		onSend();
		return next(args);
	};
	middlewareStack.add(note, { step: 'deserialize', priority: 'low', name: 'kvsArchiveSending' });
}
