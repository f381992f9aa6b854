import type { ArchiveClock } from './address.js';
import type {
	ExportState,
	FragmentDetails,
	ListedStream,
	Session,
	Start,
	StoredBounds,
	StoredFragment,
	TimelineLine,
} from './archive-types.js';

/** A request that failed: its message is what the page shows. */
export class ApiError extends Error {
	readonly code: string;

	constructor(code: string, message: string) {
		super(message);
		this.code = code;
	}
}

/** The local process that signs the calls. Every method rejects with {@link ApiError}, or with the signal's reason. */
export class ArchiveApi {
	start(): Promise<Start> {
		return this.#get('start', {});
	}

	streams(): Promise<readonly ListedStream[]> {
		return this.#get('streams', {});
	}

	/** When the first and the last stored fragment begin: what is known first, the last exact; nothing where none is stored. */
	bounds(stream: string, by: ArchiveClock, signal: AbortSignal): AsyncGenerator<StoredBounds> {
		return this.#lines('bounds', { stream, by }, signal);
	}

	/** The fragments of a window as they come, unordered; returns whether these are all. */
	async window(
		stream: string,
		range: { by: ArchiveClock; from: number; to: number },
		{
			signal,
			onFragments,
		}: { signal: AbortSignal; onFragments: (fragments: readonly StoredFragment[]) => void },
	): Promise<boolean> {
		let isWhole = false;
		for await (const line of this.#lines<{ fragments?: StoredFragment[]; isWhole?: boolean }>(
			'window',
			{ stream, ...range },
			signal,
		)) {
			if (line.fragments !== undefined) onFragments(line.fragments);
			isWhole = line.isWhole ?? isWhole;
		}
		return isWhole;
	}

	bucket(
		stream: string,
		range: { by: ArchiveClock; from: number; to: number },
		signal: AbortSignal,
	): Promise<StoredFragment | null> {
		return this.#get('bucket', { stream, ...range }, signal);
	}

	async timeline(
		stream: string,
		range: { by: ArchiveClock; from: number; to: number },
		signal: AbortSignal,
	): Promise<TimelineLine[]> {
		const lines: TimelineLine[] = [];
		for await (const line of this.#lines<TimelineLine>('timeline', { stream, ...range }, signal))
			lines.push(line);
		return lines;
	}

	fragment(
		stream: string,
		place: { number: string; at: number; by: ArchiveClock },
		signal: AbortSignal,
	): Promise<FragmentDetails> {
		return this.#get('fragment', { stream, ...place }, signal);
	}

	/** Null where the fragment has no picture. */
	async thumbnail(
		stream: string,
		place: { at: number; by: ArchiveClock },
		signal: AbortSignal,
	): Promise<ImageBitmap | null> {
		const response = await fetch(address('thumbnail', { stream, ...place }), { signal });
		if (response.status === 404) return null;
		if (!response.ok) throw await errorOf(response);
		return createImageBitmap(await response.blob());
	}

	/** A session from a moment on, or of what is recorded now (null). `isNext`: of what begins at the moment or after it only. */
	openSession(
		stream: string,
		by: ArchiveClock,
		{ atMs, isNext }: { readonly atMs: number | null; readonly isNext: boolean },
		signal: AbortSignal,
	): Promise<Session> {
		const place = atMs === null ? {} : { at: Math.round(atMs), isNext };
		return this.#send('POST', 'sessions', { stream, by, ...place }, signal);
	}

	beginExport(stream: string, range: { from: number; to: number; by: ArchiveClock }): Promise<ExportState> {
		return this.#send('POST', 'exports', { stream, ...range });
	}

	exportState(id: string): Promise<ExportState> {
		return this.#get(`exports/${id}`, {});
	}

	async cancelExport(id: string): Promise<void> {
		await this.#send('DELETE', `exports/${id}`, {});
	}

	async #get<Result>(
		path: string,
		query: Readonly<Record<string, string | number>>,
		signal?: AbortSignal,
	): Promise<Result> {
		const response = await this.#fetch(address(path, query), signal ? { signal } : {});
		return (await response.json()) as Result;
	}

	async #send<Result>(method: string, path: string, body: object, signal?: AbortSignal): Promise<Result> {
		const init = { method, body: JSON.stringify(body), ...(signal && { signal }) };
		const response = await this.#fetch(address(path, {}), method === 'DELETE' ? { method } : init);
		return (await response.json()) as Result;
	}

	async *#lines<Line extends object>(
		path: string,
		query: Readonly<Record<string, string | number>>,
		signal: AbortSignal,
	): AsyncGenerator<Line> {
		const response = await this.#fetch(address(path, query), { signal });
		const reader = (response.body as ReadableStream<Uint8Array>).getReader();
		const decoder = new TextDecoder();
		let rest = '';
		for (;;) {
			const { done, value } = await reader.read();
			rest += done ? '\n' : decoder.decode(value, { stream: true });
			const lines = rest.split('\n');
			rest = lines.pop() ?? '';
			for (const text of lines) {
				if (text === '') continue;
				const line = JSON.parse(text) as Line & { error?: { code: string; message: string } };
				if (line.error !== undefined) throw new ApiError(line.error.code, line.error.message);
				yield line as Line;
			}
			if (done) return;
		}
	}

	async #fetch(path: string, init: RequestInit): Promise<Response> {
		let response: Response;
		try {
			response = await fetch(path, init);
		} catch (error) {
			init.signal?.throwIfAborted();
			throw new ApiError(
				'KVS_VIEW_AWAY',
				`The process that serves this page does not respond (${(error as Error).message}). Start \`kvs-archive view\` again, and open the address that it prints.`,
			);
		}
		if (!response.ok) throw await errorOf(response);
		return response;
	}
}

async function errorOf(response: Response): Promise<ApiError> {
	const body = (await response.json().catch(() => ({}))) as { code?: string; message?: string };
	return new ApiError(body.code ?? 'KVS_INTERNAL', body.message ?? `HTTP ${response.status}`);
}

function address(path: string, query: Readonly<Record<string, string | number>>): string {
	const members = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
	return `/api/${path}${members.size === 0 ? '' : `?${members}`}`;
}
