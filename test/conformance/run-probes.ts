import { mediaBody } from './media-bodies.js';
import { normaliseResponse } from './normalise/normalise-response.js';
import { MissingValueError, Placeholders, type Sample } from './normalise/placeholders.js';
import type { Probe, ProbeStep, Target } from './probe.js';
import type { RecordedProbe, RecordedStep } from './record.js';
import { type RawResponse, type Signer, sendSigned } from './signed-request.js';

/** An archive that probes are sent to. */
export interface ProbedArchive {
	readonly signer: Signer;
	readonly sample: Sample;
	/** Where requests for the control plane or an API go. */
	endpointOf(target: Exclude<Target, 'session'>): Promise<string>;
	/** Waits so that quotas are kept; called before every request. */
	pace(): Promise<void>;
}

/** Sends probes one after the other, and gives what came. `onProbe` is called with the name of each before it runs. */
export async function runProbes(
	probes: readonly Probe[],
	archive: ProbedArchive,
	onProbe: (name: string) => void = () => {},
): Promise<RecordedProbe[]> {
	const recorded: RecordedProbe[] = [];
	for (const { name, guess, writes, steps } of probes) {
		onProbe(name);
		const placeholders = new Placeholders(archive.sample, Date.now());
		const done: RecordedStep[] = [];
		for (const step of steps) done.push(await runStep(step, archive, placeholders));
		recorded.push({ name, guess, ...(writes === true && { writes }), steps: done });
	}
	return recorded;
}

async function runStep(
	request: ProbeStep,
	archive: ProbedArchive,
	placeholders: Placeholders,
): Promise<RecordedStep> {
	try {
		const url = await urlOf(request, archive, placeholders);
		await archive.pace();
		const response = await send(request, url, archive.signer, placeholders);
		save(request, url, response, placeholders);
		return { request, response: normaliseResponse(response, placeholders, request.chunks) };
	} catch (error) {
		if (!(error instanceof MissingValueError)) throw error;
		return { request, response: null, skipped: error.message };
	}
}

async function urlOf(
	{ to, path }: ProbeStep,
	archive: ProbedArchive,
	placeholders: Placeholders,
): Promise<URL> {
	const filled = placeholders.fillText(path);
	return to === 'session' ? new URL(filled) : new URL(filled, await archive.endpointOf(to));
}

function send(
	{ to, method = 'POST', headers = defaultHeaders(method), body, text, media, signature, chunks }: ProbeStep,
	url: URL,
	signer: Signer,
	placeholders: Placeholders,
): Promise<RawResponse> {
	const filled = Object.entries(headers).map(([name, value]) => [name, placeholders.fillText(value)]);
	const json = body === undefined ? '' : JSON.stringify(placeholders.fill(body));
	return sendSigned({
		url,
		method,
		headers: Object.fromEntries(filled),
		body: media === undefined ? Buffer.from(text ?? json) : mediaBody(media),
		isMedia: media !== undefined,
		signer: to === 'session' ? null : signer,
		signature,
		chunks,
	});
}

function defaultHeaders(method: string): Record<string, string> {
	return method === 'POST' ? { 'content-type': 'application/json' } : {};
}

function save(
	{ save: texts = {}, saveUrl: urls = {} }: ProbeStep,
	url: URL,
	{ body }: RawResponse,
	{ saved }: Placeholders,
): void {
	if (Object.keys(texts).length + Object.keys(urls).length === 0) return;
	const text = body.toString();
	for (const [name, pattern] of Object.entries(texts)) {
		const found = new RegExp(pattern).exec(text)?.[1];
		if (found !== undefined) saved.set(name, found);
	}
	for (const [name, pattern] of Object.entries(urls)) {
		const found = new RegExp(pattern).exec(text)?.[1];
		if (found !== undefined) saved.set(name, new URL(found, url).href);
	}
}
