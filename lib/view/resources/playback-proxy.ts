import { randomUUID } from 'node:crypto';
import { ArchiveError } from '../../errors.js';
import type { HlsSession, KvsArchive, RangeClock } from '../../index.js';
import { jsonReply, type ViewReply } from '../view-reply.js';
import type { OpenedSession } from '../view-responses.js';

/** Sessions that are open at once: four players, and those that join them; the oldest goes first. */
const MAX_SESSIONS = 16;

/** How long a session lasts. The page asks for another before it ends. */
const SESSION_SECONDS = 3600;

/** The longest list on demand. */
const MAX_FRAGMENTS = 5000;

/** Playlists are read as a whole. */
const MAX_PLAYLIST_BYTES = 16 * 1024 * 1024;

interface Session {
	readonly session: HlsSession;
	/** Tokens of the service, by the number that stands for each in the page. */
	readonly tokens: string[];
}

/**
 * Playback sessions as the page plays them: it asks this server, which asks the service. So the page needs no other
 * origin, and never sees the service's session token, which is a secret.
 */
export class PlaybackProxy {
	readonly #sessions = new Map<string, Session>();

	/** Opens a session: of a range, or of what is recorded now. Rejects as `archive.hlsSession`. */
	async open(
		archive: KvsArchive,
		range: { readonly from: Date; readonly to: Date; readonly by: RangeClock } | { readonly by: RangeClock },
		signal: AbortSignal,
	): Promise<OpenedSession> {
		const isLive = !('from' in range);
		const session = await archive.hlsSession({
			...range,
			mode: isLive ? 'live' : 'on-demand',
			container: 'ts',
			fragmentTimestamps: true,
			expiresIn: SESSION_SECONDS,
			...(!isLive && { maxFragments: MAX_FRAGMENTS }),
			signal,
		});
		const id = randomUUID();
		this.#sessions.set(id, { session, tokens: [] });
		const [oldest] = this.#sessions.keys();
		if (this.#sessions.size > MAX_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest);
		return { id, path: `/play/${id}/master.m3u8`, expiresMs: session.expiresAt.getTime() };
	}

	/** A resource of a session: a playlist, or media as they come. Rejects with `ArchiveError`. */
	async get(id: string, name: string, query: URLSearchParams, signal: AbortSignal): Promise<ViewReply> {
		const opened = this.#sessions.get(id);
		if (opened === undefined || !/^[A-Za-z0-9]+\.[A-Za-z0-9]+$/.test(name)) {
			throw new ArchiveError('KVS_NOT_FOUND', 'there is no such playback session: open another');
		}
		const target = new URL(opened.session.url);
		if (name !== 'master.m3u8') {
			const members = new URLSearchParams(query);
			const token = opened.tokens[Number(members.get('SessionToken'))];
			if (token !== undefined) members.set('SessionToken', token);
			target.href = new URL(`${name}?${members.toString()}`, target).href;
		}
		const response = await request(target, signal);
		const contentType = response.headers.get('content-type') ?? 'application/octet-stream';
		if (!response.ok) {
			const message = `${name} was refused (HTTP ${response.status}): ${reasonOf(await readText(response))}`;
			return jsonReply({ code: 'KVS_REQUEST_FAILED', message }, response.status);
		}
		if (!/mpegurl/i.test(contentType))
			return { contentType, body: response.body as AsyncIterable<Uint8Array> };
		return { contentType, body: hideTokens(await readText(response), opened.tokens) };
	}
}

async function request(target: URL, signal: AbortSignal): Promise<Response> {
	try {
		return await fetch(target, { signal, redirect: 'error' });
	} catch (cause) {
		signal.throwIfAborted();
		const reason = (cause as { cause?: { code?: string } }).cause?.code ?? (cause as Error).message;
		throw new ArchiveError('KVS_UNREACHABLE', `${target.host} does not respond: ${reason}`, { cause });
	}
}

async function readText(response: Response): Promise<string> {
	const parts: Uint8Array[] = [];
	let sizeBytes = 0;
	for await (const part of response.body as AsyncIterable<Uint8Array>) {
		sizeBytes += part.byteLength;
		if (sizeBytes > MAX_PLAYLIST_BYTES) {
			throw new ArchiveError(
				'KVS_REQUEST_FAILED',
				`a playlist of more than ${MAX_PLAYLIST_BYTES} bytes came`,
			);
		}
		parts.push(part);
	}
	return Buffer.concat(parts).toString();
}

/** Characters of the service's own words that are passed on. */
const MAX_REASON = 400;

/** What the service says, in JSON or not. */
function reasonOf(text: string): string {
	const [, message = text] = /"(?:Message|message)"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text) ?? [];
	return message.slice(0, MAX_REASON).trim() || 'without a reason';
}

/** The playlist with a number in place of each session token. */
function hideTokens(playlist: string, tokens: string[]): string {
	return playlist.replace(/(SessionToken=)([^&"\s]+)/g, (_, name: string, encoded: string) => {
		const token = decodeURIComponent(encoded);
		const known = tokens.indexOf(token);
		return `${name}${known >= 0 ? known : tokens.push(token) - 1}`;
	});
}
