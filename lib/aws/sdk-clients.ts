import type { KinesisVideoClient } from '@aws-sdk/client-kinesis-video';
import type { KinesisVideoArchivedMediaClient } from '@aws-sdk/client-kinesis-video-archived-media';
import { type ClientSettings, clientConfig } from './client-settings.js';

/** SDK clients of the caller's own. They keep their settings, their retries among them, and are never closed here. */
export interface OwnClients {
	/** Asked for data endpoints. */
	readonly control?: KinesisVideoClient;
	/** Used as it is for every archived-media call; then no data endpoint is asked for. */
	readonly archivedMedia?: KinesisVideoArchivedMediaClient;
}

/**
 * The SDK's clients: the caller's own, or made here when they are needed. The SDK is loaded by the first that is made, so
 * that importing this package does not take as long as the SDK does.
 */
export class SdkClients {
	readonly #settings: ClientSettings;
	readonly #controlEndpoint: string | undefined;
	readonly #own: OwnClients;
	readonly #signal: AbortSignal;
	readonly #archivedMedia = new Map<string, KinesisVideoArchivedMediaClient>();
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

	/** The caller's own client for archived media, which needs no data endpoint; null where there is none. */
	get ownArchivedMedia(): KinesisVideoArchivedMediaClient | null {
		return this.#own.archivedMedia ?? null;
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

	/** The client for a data endpoint. Rejects with the signal's reason. */
	async archivedMedia(endpoint: string): Promise<KinesisVideoArchivedMediaClient> {
		const { KinesisVideoArchivedMediaClient } = await import('@aws-sdk/client-kinesis-video-archived-media');
		this.#signal.throwIfAborted();
		let client = this.#archivedMedia.get(endpoint);
		if (client === undefined) {
			const config = clientConfig(this.#settings, this.#controlEndpoint ?? endpoint);
			client = new KinesisVideoArchivedMediaClient({ ...config, endpoint });
			this.#archivedMedia.set(endpoint, client);
		}
		return client;
	}

	/** The region that calls use: of the caller's client, the settings, the environment or the profile; empty where none says it. */
	async region(): Promise<string> {
		const client = this.#own.archivedMedia ?? (await this.control());
		// Without a region no call succeeds, and the call says why.
		return client.config.region().catch(() => '');
	}

	/** Closes the connections of the clients made here. */
	close(): void {
		for (const client of this.#archivedMedia.values()) client.destroy();
		this.#archivedMedia.clear();
		this.#control?.destroy();
		this.#control = null;
	}
}
