import { syncDirectory } from '../../files/private-directory.js';
import { type PayloadFile, PayloadWriter } from './payload-writer.js';
import type { StoredFragment } from './stored-fragment.js';
import type { ProducedPayload, StreamContents, StreamDirectory } from './stream-directory.js';

/** A payload of this size, or that holds as much time, gets no further fragments: what expires goes payload by payload. */
const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;
const MAX_PAYLOAD_MS = 5 * 60_000;

interface PooledPayload {
	readonly file: PayloadFile;
	/** Server times of its fragments, epoch milliseconds; infinite while it has none. */
	firstServerMs: number;
	lastServerMs: number;
	/** A producer appends to it now. */
	isTaken: boolean;
	/** It gets no further fragments. */
	isClosed: boolean;
	/** When its files were removed, epoch milliseconds; its fragments are still known. Null while they are there. */
	removedAtMs: number | null;
}

/** A payload whose fragments have expired, and the server times that they have. */
export interface ExpiredPayload {
	readonly payload: string;
	readonly firstServerMs: number;
	readonly lastServerMs: number;
}

/** The payloads that producers of a stream append to: each is one producer's at a time. */
export class PayloadPool {
	readonly #directory: StreamDirectory;
	readonly #payloads = new Map<string, PooledPayload>();
	#nextPayload: number;

	constructor(
		directory: StreamDirectory,
		{ produced, nextPayload }: Pick<StreamContents, 'produced' | 'nextPayload'>,
	) {
		this.#directory = directory;
		this.#nextPayload = nextPayload;
		for (const payload of produced) this.#payloads.set(payload.file.payload, found(payload));
	}

	/**
	 * A payload to append to, with room for a fragment that begins at that server time, for one producer until it gives it back.
	 * Rejects with the system's error.
	 */
	async take(serverMs: number): Promise<PayloadWriter> {
		const free = [...this.#payloads.values()].find(
			(payload) => !payload.isTaken && hasRoomFor(payload, serverMs),
		);
		const payload = free ?? this.#newPayload();
		payload.isTaken = true;
		let writer: PayloadWriter | null = null;
		try {
			writer = await PayloadWriter.open(payload.file);
			if (free === undefined) await syncDirectory(this.#directory.path);
			return writer;
		} catch (error) {
			this.#payloads.delete(payload.file.payload);
			await writer?.close();
			throw error;
		}
	}

	/** Whether a payload has room for a fragment that begins at that server time. */
	hasRoom({ file }: PayloadWriter, serverMs: number): boolean {
		return hasRoomFor(this.#of(file), serverMs);
	}

	/** Notes a fragment that was appended. */
	note({ payload, serverMs }: StoredFragment): void {
		const pooled = this.#payloads.get(payload);
		if (pooled === undefined) return;
		pooled.firstServerMs = Math.min(pooled.firstServerMs, serverMs);
		pooled.lastServerMs = Math.max(pooled.lastServerMs, serverMs);
	}

	/** A producer is done with a payload, whose writer is closed. `isUsable`: another may append to it. */
	giveBack(writer: PayloadWriter, isUsable: boolean): void {
		const pooled = this.#of(writer.file);
		pooled.isTaken = false;
		pooled.isClosed ||= !isUsable || !this.hasRoom(writer, pooled.lastServerMs);
	}

	/**
	 * Removes from the disk the payloads all of whose fragments have a server time before `beforeMs`. Rejects with the system's
	 * error where one cannot be removed, after the others were; it stays until the next call.
	 */
	async removeFiles(beforeMs: number, nowMs: number): Promise<void> {
		const failures: unknown[] = [];
		for (const pooled of this.#payloads.values()) {
			const { file, isTaken, removedAtMs, lastServerMs } = pooled;
			if (isTaken || removedAtMs !== null || lastServerMs >= beforeMs) continue;
			pooled.isClosed = true;
			try {
				await this.#directory.removeProduced(file);
				pooled.removedAtMs = nowMs;
			} catch (error) {
				failures.push(error);
			}
		}
		if (failures.length > 0) throw failures[0];
	}

	/** Forgets the payloads whose files were removed at `untilMs` or before. */
	forget(untilMs: number): ExpiredPayload[] {
		const forgotten: ExpiredPayload[] = [];
		for (const { file, removedAtMs, firstServerMs, lastServerMs } of this.#payloads.values()) {
			if (removedAtMs === null || removedAtMs > untilMs) continue;
			this.#payloads.delete(file.payload);
			forgotten.push({ payload: file.payload, firstServerMs, lastServerMs });
		}
		return forgotten;
	}

	#newPayload(): PooledPayload {
		const file = this.#directory.producedFile(this.#nextPayload++);
		const payload = { ...found({ file, fragments: [] }), isClosed: false };
		this.#payloads.set(file.payload, payload);
		return payload;
	}

	#of({ payload }: PayloadFile): PooledPayload {
		return this.#payloads.get(payload) as PooledPayload;
	}
}

function hasRoomFor({ file, firstServerMs, isClosed }: PooledPayload, serverMs: number): boolean {
	return !isClosed && file.sizeBytes < MAX_PAYLOAD_BYTES && serverMs - firstServerMs < MAX_PAYLOAD_MS;
}

/** A payload of an earlier run gets no further fragments. */
function found({ file, fragments }: ProducedPayload): PooledPayload {
	let firstServerMs = Number.POSITIVE_INFINITY;
	let lastServerMs = Number.NEGATIVE_INFINITY;
	for (const { serverMs } of fragments) {
		firstServerMs = Math.min(firstServerMs, serverMs);
		lastServerMs = Math.max(lastServerMs, serverMs);
	}
	return { file, firstServerMs, lastServerMs, isTaken: false, isClosed: true, removedAtMs: null };
}
