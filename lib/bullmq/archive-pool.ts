import { KvsArchive, type KvsArchiveOptions, SharedClients } from '../index.js';
import type { JobStream } from './slice-job.js';

/** How many archives that are not in use stay open: of each some kilobytes, and what is known of its stream. */
const MAX_IDLE = 2000;

/** Of how many streams whose archives were closed the data endpoints are kept, which cost calls of a small quota of the whole account. */
const MAX_KNOWN = 20_000;

/** An archive, and how many jobs use it. */
interface PooledArchive {
	readonly archive: KvsArchive;
	users: number;
}

/** The archives of a worker: one for each stream, for as long as it is used now and then. */
export class ArchivePool {
	readonly #client: Partial<KvsArchiveOptions>;
	/** What a stream has of its own is little; connections, and credentials that are fetched, belong to all. */
	readonly #clients = new SharedClients();
	/** Those used last are last. */
	readonly #archives = new Map<string, PooledArchive>();
	/** Data endpoints of archives that were closed. Those closed last are last. */
	readonly #known = new Map<string, KvsArchive['client']['dataEndpoints']['known']>();

	/** @param client - what they are opened with besides the stream */
	constructor(client: Partial<KvsArchiveOptions>) {
		this.#client = client;
	}

	/** Calls `use` with the archive of a stream. Throws `InvalidOptionError` for a stream that is not valid. */
	async with<Result>(stream: JobStream, use: (archive: KvsArchive) => Promise<Result>): Promise<Result> {
		const { streamName, streamArn, endpoint, region } = stream;
		const key = JSON.stringify([streamName, streamArn, endpoint, region]);
		const known = this.#archives.get(key);
		// A handler may have closed it.
		const pooled = known !== undefined && isOpen(known.archive) ? known : this.#open(key, stream);
		this.#archives.delete(key);
		this.#archives.set(key, pooled);
		pooled.users++;
		try {
			return await use(pooled.archive);
		} finally {
			pooled.users--;
			await this.#closeOldest();
		}
	}

	/** Closes all; what still uses one fails. */
	async close(): Promise<void> {
		const archives = [...this.#archives.values()];
		this.#archives.clear();
		for (const { archive } of archives) await archive.close();
		this.#clients.close();
	}

	#open(key: string, stream: JobStream): PooledArchive {
		const archive = new KvsArchive({ clients: this.#clients, ...this.#client, ...stream });
		archive.client.dataEndpoints.use(this.#known.get(key) ?? new Map());
		this.#known.delete(key);
		return { archive, users: 0 };
	}

	async #closeOldest(): Promise<void> {
		const idle = [...this.#archives].filter(([, { users }]) => users === 0);
		for (const [key, { archive }] of idle.slice(0, Math.max(0, idle.length - MAX_IDLE))) {
			this.#archives.delete(key);
			this.#known.set(key, archive.client.dataEndpoints.known);
			await archive.close();
		}
		for (const key of [...this.#known.keys()].slice(0, Math.max(0, this.#known.size - MAX_KNOWN)))
			this.#known.delete(key);
	}
}

function isOpen({ client }: KvsArchive): boolean {
	try {
		client.checkOpen();
		return true;
	} catch {
		return false;
	}
}
