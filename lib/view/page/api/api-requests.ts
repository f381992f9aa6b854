/** A request that failed: its message is what the page shows. */
export class ApiError extends Error {
	readonly code: string;

	constructor(code: string, message: string) {
		super(message);
		this.code = code;
	}
}

/** The members of a query. */
export type Query = Readonly<Record<string, string | number>>;

/** What is at a path of the API. Rejects with {@link ApiError}, or with the signal's reason. */
export async function getJson<Result>(path: string, query: Query, signal?: AbortSignal): Promise<Result> {
	const response = await getResponse(path, query, signal);
	return (await response.json()) as Result;
}

/** The response of a path, as {@link getJson} rejects. */
export function getResponse(path: string, query: Query, signal?: AbortSignal): Promise<Response> {
	return respond(addressOf(path, query), signal ? { signal } : {});
}

/** Sends a body to a path of the API, as {@link getJson} rejects. */
export async function sendJson<Result>(
	method: 'POST' | 'DELETE',
	path: string,
	body: object,
	signal?: AbortSignal,
): Promise<Result> {
	const init = { method, body: JSON.stringify(body), ...(signal && { signal }) };
	const response = await respond(addressOf(path, {}), method === 'DELETE' ? { method } : init);
	return (await response.json()) as Result;
}

/** The JSON Lines of a path as they come, as {@link getJson} rejects. */
export async function* getLines<Line extends object>(
	path: string,
	query: Query,
	signal: AbortSignal,
): AsyncGenerator<Line> {
	const response = await getResponse(path, query, signal);
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

async function respond(path: string, init: RequestInit): Promise<Response> {
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

async function errorOf(response: Response): Promise<ApiError> {
	const body = (await response.json().catch(() => ({}))) as { code?: string; message?: string };
	return new ApiError(body.code ?? 'KVS_INTERNAL', body.message ?? `HTTP ${response.status}`);
}

function addressOf(path: string, query: Query): string {
	const members = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
	return `/api/${path}${members.size === 0 ? '' : `?${members}`}`;
}
