import type { Probe } from '../probe.js';
import { controlProbes } from './control-probes.js';
import { listingProbes } from './listing-probes.js';
import { mediaProbes } from './media-probes.js';
import { pictureProbes } from './picture-probes.js';
import { protocolProbes } from './protocol-probes.js';
import { sessionProbes } from './session-probes.js';
import { writeProbes } from './write-probes.js';

/** Every probe, in the order in which they run. */
export const allProbes: readonly Probe[] = [
	...protocolProbes,
	...controlProbes,
	...listingProbes,
	...mediaProbes,
	...sessionProbes,
	...pictureProbes,
	...writeProbes,
];
