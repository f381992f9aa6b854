/** What keys do, wherever the focus is but in a field for text. */
export interface KeyActions {
	readonly zoom: (factor: number) => void;
	/** Moves the playhead by a part of what is shown; 1 is all of it. */
	readonly move: (parts: number) => void;
	readonly pan: (parts: number) => void;
	readonly toFirst: () => void;
	readonly toLast: () => void;
	readonly playOrPause: () => void;
	/** By a length of time, in milliseconds. */
	readonly skip: (ms: number) => void;
	readonly step: (direction: 1 | -1) => void;
	readonly markStart: () => void;
	readonly markEnd: () => void;
	readonly switchAudio: () => void;
	/** Plays from the playhead. */
	readonly choose: () => void;
}

const SKIP_MS = 10_000;
const ZOOM_FACTOR = 1.5;
const MOVE_PARTS = 1 / 40;
const PAGE_PARTS = 1 / 2;

/** Listens to the keys of the page. */
export function listenToKeys(actions: KeyActions): void {
	const keys: Readonly<Record<string, (isShift: boolean) => void>> = {
		'+': () => actions.zoom(1 / ZOOM_FACTOR),
		'=': () => actions.zoom(1 / ZOOM_FACTOR),
		'-': () => actions.zoom(ZOOM_FACTOR),
		ArrowLeft: (isShift) => (isShift ? actions.pan(-PAGE_PARTS / 5) : actions.move(-MOVE_PARTS)),
		ArrowRight: (isShift) => (isShift ? actions.pan(PAGE_PARTS / 5) : actions.move(MOVE_PARTS)),
		ArrowUp: () => actions.zoom(1 / ZOOM_FACTOR),
		ArrowDown: () => actions.zoom(ZOOM_FACTOR),
		PageUp: () => actions.move(-PAGE_PARTS),
		PageDown: () => actions.move(PAGE_PARTS),
		Home: () => actions.toFirst(),
		End: () => actions.toLast(),
		j: () => actions.skip(-SKIP_MS),
		k: () => actions.playOrPause(),
		l: () => actions.skip(SKIP_MS),
		',': () => actions.step(-1),
		'.': () => actions.step(1),
		i: () => actions.markStart(),
		o: () => actions.markEnd(),
		m: () => actions.switchAudio(),
		Enter: () => actions.choose(),
		' ': () => actions.playOrPause(),
	};
	document.addEventListener('keydown', (event) => {
		if (event.ctrlKey || event.altKey || event.metaKey) return;
		const { target, key } = event;
		if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) return;
		const isControl = target instanceof HTMLButtonElement || target instanceof HTMLAnchorElement;
		// What presses a button must go on pressing it; and a summary opens.
		if (
			(isControl || (target instanceof HTMLElement && target.tagName === 'SUMMARY')) &&
			/^( |Enter)$/.test(key)
		)
			return;
		const action = keys[key.length === 1 ? key.toLowerCase() : key];
		if (action === undefined) return;
		event.preventDefault();
		action(event.shiftKey);
	});
}
