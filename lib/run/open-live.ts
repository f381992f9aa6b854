import { pipeline } from 'node:stream';
import type { ServiceContext } from '../aws/service-context.js';
import { type LiveOptions, resolveLiveStart } from '../live/live-options.js';
import { LiveSource } from '../live/live-source.js';
import type { MediaEvent, RunEvent } from '../model/media-event.js';
import { destroyOnAbort } from '../stream/abort.js';
import { type EventStream, publicEvents, RunOutput } from './event-stream.js';
import { RunCounter } from './run-counter.js';

/** Joins a live source to its output: nothing is requested before something is read. Throws `InvalidOptionError`. */
export function openLive(options: LiveOptions, service: ServiceContext): EventStream {
	const start = resolveLiveStart(options);
	const nowMs = service.clock.now();
	const counter = new RunCounter(service.clock, { fromMs: nowMs, toMs: nowMs, by: 'server' });
	const source = new LiveSource({ ...service, start, onCall: counter.call.bind(counter) });
	const output = new RunOutput<MediaEvent>({
		counter,
		pick: (events) => {
			// Nothing is listed: what comes, or fails to, is what there is.
			counter.listed(events.filter(isFirstOfFragment).length);
			return publicEvents(events);
		},
		strict: false,
		onProgress: undefined,
	});
	// The outcome reaches the caller through the output, which the pipeline destroys with the error.
	pipeline(source, output, () => {});
	if (options.signal !== undefined) destroyOnAbort(output, options.signal);
	return output;
}

function isFirstOfFragment(event: RunEvent): boolean {
	return event.type === 'fragment' || (event.type === 'fragment-failure' && event.index === null);
}
