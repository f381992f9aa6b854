import type { KinesisVideoClient } from '@aws-sdk/client-kinesis-video';
import type { KinesisVideoArchivedMediaClient } from '@aws-sdk/client-kinesis-video-archived-media';
import type { KinesisVideoMediaClient } from '@aws-sdk/client-kinesis-video-media';
import { type ClientSettings, clientConfig } from './client-settings.js';
import type { DataClientName } from './operations.js';

/** SDK clients of the caller's own. They keep their settings, their retries among them, and are never closed here. */
export interface OwnClients {
	/** Asked for data endpoints. */
	readonly control?: KinesisVideoClient;
	/** Used as it is for every archived-media call; then no data endpoint is asked for. */
	readonly archivedMedia?: KinesisVideoArchivedMediaClient;
	/** Used as it is for GetMedia; then no data endpoint is asked for. */
	readonly media?: KinesisVideoMediaClient;
}

/** A client for a data endpoint. */
export type DataClient = KinesisVideoArchivedMediaClient | KinesisVideoMediaClient;

/**
 * The SDK's clients: the caller's own, or made here when they are needed. The SDK is loaded by the first that is made, so
 * that importing this package does not take as long as the SDK does.
 */
export class SdkClients {
	readonly #settings: ClientSettings;
	readonly #controlEndpoint: string | undefined;
	readonly #own: OwnClients;
	readonly #signal: AbortSignal;
	readonly #data = new Map<string, DataClient>();
	#control: KinesisVideoClient | null = null;

	/** @param signal - once it is aborted no client is made */
	constructor(
		settings: ClientSettings,
		controlEndpoint: string | undefined,
		own: OwnClients,
		signal: AbortSignal,
	) {
		this.#settings = settings;
		this.#controlEndpoint = controlEndpoint;
		this.#own = own;
		this.#signal = signal;
	}

	/** The caller's own client, which needs no data endpoint; null where there is none. */
	own(name: DataClientName): DataClient | null {
		return this.#own[name] ?? null;
	}

	/** The client that is asked for data endpoints. Rejects with the signal's reason. */
	async control(): Promise<KinesisVideoClient> {
		if (this.#own.control !== undefined) return this.#own.control;
		const { KinesisVideoClient } = await import('@aws-sdk/client-kinesis-video');
		this.#signal.throwIfAborted();
		this.#control ??= new KinesisVideoClient({
			...clientConfig(this.#settings, this.#controlEndpoint),
			...(this.#controlEndpoint !== undefined && { endpoint: this.#controlEndpoint }),
		});
		return this.#control;
	}

	/** The client of that name for a data endpoint. Rejects with the signal's reason. */
	async data(name: DataClientName, endpoint: string): Promise<DataClient> {
		const Client = await (name === 'media' ? loadMedia() : loadArchivedMedia());
		this.#signal.throwIfAborted();
		const key = `${name} ${endpoint}`;
		let client = this.#data.get(key);
		if (client === undefined) {
			client = new Client({ ...clientConfig(this.#settings, this.#controlEndpoint ?? endpoint), endpoint });
			this.#data.set(key, client);
		}
		return client;
	}

	/** The region that calls use: of the caller's client, the settings, the environment or the profile; empty where none says it. */
	async region(): Promise<string> {
		const client = this.#own.archivedMedia ?? this.#own.media ?? (await this.control());
		// Without a region no call succeeds, and the call says why.
		return client.config.region().catch(() => '');
	}

	/** Closes the connections of the clients made here. */
	close(): void {
		for (const client of this.#data.values()) client.destroy();
		this.#data.clear();
		this.#control?.destroy();
		this.#control = null;
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
