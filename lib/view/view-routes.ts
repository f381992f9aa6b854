import { ArchiveError } from '../errors.js';
import { playbackStart, storedBounds } from '../stored/stored-bounds.js';
import type { OpenArchives } from './open-archives.js';
import { pageFile } from './page-files.js';
import { RequestFields } from './request-fields.js';
import { codecChanges } from './resources/codec-changes.js';
import { fragmentDetails } from './resources/fragment-details.js';
import { PlaybackProxy } from './resources/playback-proxy.js';
import { RangeExports } from './resources/range-exports.js';
import { sampleBucket, storedWindow } from './resources/stored-window.js';
import { listStreams } from './resources/stream-list.js';
import { Thumbnails } from './resources/thumbnails.js';
import { jsonReply, linesReply, type ViewReply, type ViewRequest } from './view-reply.js';
import type { BoundsLine, PlayedSession, StartedView, ViewStart } from './view-responses.js';

/** The most that one playback session holds; the page joins the next to it. */
const SESSION_LENGTH_MS = 10 * 60_000;

/** Any name does for what is not about one stream. */
const ANY_STREAM = 'any';

/** What the view's server serves: the page, and what the page asks for. */
export class ViewRoutes implements AsyncDisposable {
	readonly #archives: OpenArchives;
	readonly #start: ViewStart;
	readonly #playback = new PlaybackProxy();
	readonly #exports = new RangeExports();
	readonly #thumbnails = new Thumbnails();

	constructor(archives: OpenArchives, start: ViewStart) {
		this.#archives = archives;
		this.#start = start;
	}

	/** Rejects with `ArchiveError`. */
	async reply(request: ViewRequest): Promise<ViewReply> {
		const { method, url } = request;
		const [first = '', second = '', third = '', fourth = ''] = url.pathname.split('/').slice(1).map(decode);
		const route = `${method} ${first}${first === 'api' ? ` ${second}` : ''}`;
		switch (route) {
			case 'GET api start':
				return jsonReply({ ...this.#start, nowMs: Date.now() } satisfies StartedView);
			case 'GET api streams':
				return jsonReply(await listStreams(this.#archives.get(ANY_STREAM), request.signal));
			case 'GET api window': {
				const { archive, fields } = this.#query(request);
				return linesReply(storedWindow(archive, fields.range(), request.signal));
			}
			case 'GET api bucket': {
				const { archive, fields } = this.#query(request);
				return jsonReply(await sampleBucket(archive, fields.range(), request.signal));
			}
			case 'GET api timeline': {
				const { archive, fields } = this.#query(request);
				return linesReply(codecChanges(archive, fields.range(), request.signal));
			}
			case 'GET api fragment': {
				const { archive, fields } = this.#query(request);
				const place = { at: fields.time('at'), by: fields.clock() };
				const found = await fragmentDetails(archive, fields.text('number'), place, request.signal);
				return found === null ? gone('the fragment is not stored any more') : jsonReply(found);
			}
			case 'GET api thumbnail': {
				const { archive, fields, stream } = this.#query(request);
				const place = { stream, at: fields.time('at'), by: fields.clock() };
				const data = await this.#thumbnails.get(archive, place, request.signal);
				return data === null
					? gone('the fragment has no picture')
					: { contentType: 'image/jpeg', body: data };
			}
			case 'GET api bounds': {
				const { archive, fields } = this.#query(request);
				const bounds = storedBounds(archive, fields.clock(), Date.now(), request.signal);
				return linesReply(bounds satisfies AsyncIterable<BoundsLine>);
			}
			case 'POST api sessions':
				return this.#openSession(request);
			case 'GET play':
				return this.#playback.get(second, third, url.searchParams, request.signal);
			case 'POST api exports': {
				const fields = RequestFields.ofBody(request.body);
				const stream = fields.text('stream');
				return jsonReply(await this.#exports.begin(this.#archives.get(stream), stream, fields.range()));
			}
			case 'GET api exports':
				if (fourth !== '') return this.#exports.file(third, Number(fourth));
				return jsonReply(this.#exports.state(third));
			case 'DELETE api exports':
				await this.#exports.remove(third);
				return jsonReply({});
		}
		const file =
			method === 'GET' && second === '' ? await pageFile(first === '' ? 'index.html' : first) : null;
		return file ?? gone(`there is nothing at ${url.pathname}`);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#exports[Symbol.asyncDispose]();
		await this.#archives[Symbol.asyncDispose]();
	}

	async #openSession({ body, signal }: ViewRequest): Promise<ViewReply> {
		const fields = RequestFields.ofBody(body);
		const archive = this.#archives.get(fields.text('stream'));
		const by = fields.clock();
		if (!Object.hasOwn(body, 'at')) {
			const live = await this.#playback.open(archive, { by }, signal);
			return jsonReply({ ...live, fromMs: null, toMs: null } satisfies PlayedSession);
		}
		const nowMs = Date.now();
		const place = { at: fields.time('at'), by, isNext: body['isNext'] === true };
		const fromMs = await playbackStart(archive, place, nowMs, signal);
		if (fromMs === null) return gone('nothing is stored at or after that time');
		// Not into the future, which the service refuses on its clock.
		const toMs = Math.max(fromMs + 1, Math.min(fromMs + SESSION_LENGTH_MS, nowMs - 1));
		const range = { from: new Date(fromMs), to: new Date(toMs), by };
		const opened = await this.#playback.open(archive, range, signal);
		return jsonReply({ ...opened, fromMs, toMs } satisfies PlayedSession);
	}

	#query({ url }: ViewRequest) {
		const fields = RequestFields.ofQuery(url);
		const stream = fields.text('stream');
		return { fields, stream, archive: this.#archives.get(stream) };
	}
}

function gone(message: string): ViewReply {
	return jsonReply({ code: 'KVS_NOT_FOUND', message }, 404);
}

function decode(segment: string): string {
	try {
		return decodeURIComponent(segment);
	} catch (cause) {
		throw new ArchiveError('KVS_NOT_FOUND', 'the path is malformed', { cause });
	}
}
