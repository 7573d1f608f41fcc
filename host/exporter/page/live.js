/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The live page: asks /api/live.json each few seconds, and shows what came.
 *
 * Names and texts come from guests and from people: they are set as text
 * (textContent), never as HTML. What the answer lacks is not known, and is shown as such.
 * While ebbd does not answer, what was known last stays, pale, with its age.
 */
'use strict';

(() => {
	const minute_ms = 60 * 1000;
	const kept_ms = 30 * minute_ms;
	const past_ms = minute_ms;
	const answer_ms = 15 * 1000;
	const rows_quick = 100;
	const spans = [
		{name: 'half an hour', ms: 30 * minute_ms},
		{name: '6 hours', ms: 360 * minute_ms},
		{name: 'a day', ms: 1440 * minute_ms},
		{name: 'a week', ms: 10080 * minute_ms},
	];
	const past_of_domain = {'resident-bytes': 'resident', 'free-bytes': 'free',
		'working-set-bytes': 'works', 'lent-bytes': 'lent', 'pressure-ppm': 'pressure'};
	const past_of_budget = {'available-bytes': 'available', 'debt-bytes': 'debt',
		'cover-bytes': 'cover', 'pressure-ppm': 'pressure'};
	const $ = id => document.getElementById(id);

	const columns = [
		{name: 'Guest', member: 'name'},
		{name: 'Rung', member: 'rung', text: guest => guest.rung || guest.state},
		{name: 'Memory', member: 'memory_bytes'},
		{name: 'Has', member: 'memory_bytes', number: true},
		{name: 'Resident', member: 'resident_bytes', number: true},
		{name: 'Works with', member: 'working_set_bytes', number: true},
		{name: 'Free', member: 'free_bytes', number: true},
		{name: 'Lent', member: 'lent_bytes', number: true},
		{name: 'Swapped', member: 'swapped_bytes', number: true},
		{name: 'Policy', member: 'policy_state', words: true,
			text: guest => guest.text || guest.policy_state},
	];
	const guests = new Map();
	const rows = new Map();
	const budgets = new Map();
	let live = null, live_time = 0;
	let sort = {index: 0, down: false};
	/* A link can name a guest by its UUID. */
	let selected = location.hash.slice(1), held = false, timer = 0;
	let turning = false, asks_past = false;

	function set_text(element, text)
	{
		if (element.textContent !== text)
			element.textContent = text;
	}

	function make(kind, parent, text, css)
	{
		const element = document.createElement(kind);

		if (text !== undefined)
			element.textContent = text;
		if (css)
			element.className = css;
		if (parent)
			parent.append(element);
		return element;
	}

	/* ---- what came ---- */

	function keep(samples, sample)
	{
		samples.push(sample);
		while (samples[0].time < sample.time - kept_ms)
			samples.shift();
	}

	function samples_of(map, key)
	{
		if (!map.has(key))
			map.set(key, {samples: []});
		return map.get(key);
	}

	function take(answer, now)
	{
		const shares = new Map();
		const there = new Set();

		for (const share of answer.shares || [])
			shares.set(share.uuid, share);
		for (const domain of answer.domains || []) {
			const guest = samples_of(guests, domain.uuid);

			guest.now = {...shares.get(domain.uuid), ...domain};
			keep(guest.samples, {
				time: now,
				resident: guest.now.resident_bytes,
				free: guest.now.free_bytes,
				works: guest.now.working_set_bytes,
				lent: guest.now.lent_bytes,
			});
			there.add(domain.uuid);
		}
		for (const uuid of answer.domains ? guests.keys() : [])
			if (!there.has(uuid))
				guests.delete(uuid);
		const named = new Set((answer.budgets || []).map(budget => budget.name));

		for (const name of answer.budgets ? budgets.keys() : [])
			if (!named.has(name))
				budgets.delete(name);
		for (const budget of answer.budgets || []) {
			const known = samples_of(budgets, budget.name);

			known.now = budget;
			keep(known.samples, {
				time: now,
				available: budget.available_bytes,
				low: budget.low_bytes,
				high: budget.high_bytes,
				debt: budget.debt_bytes,
				cover: budget.cover_bytes,
			});
		}
	}

	/* ebb-exporter waits for ebbd for a third of that. */
	async function ask(path)
	{
		const reply = await fetch(path, {cache: 'no-store',
			signal: AbortSignal.timeout(answer_ms)});

		if (!reply.ok)
			throw new Error(`ebb-exporter says ${reply.status}`);
		return reply.json();
	}

	/* ---- what was before the page was opened: see ebbctl history ---- */

	/* A point is of a span; of each series it has the least, the average and the most. */
	function take_past(answer, members)
	{
		const samples = [];

		for (const point of answer.points) {
			const sample = {time: point['time-ms'] + answer['step-ms'] / 2};
			const before = samples[samples.length - 1];

			for (const [series, member] of Object.entries(members))
				if (point[series])
					sample[member] = point[series][1];
			/* Nothing was seen in between. */
			if (before && sample.time - before.time > 1.5 * answer['step-ms'])
				samples.push({time: before.time + 1});
			samples.push(sample);
		}
		return samples;
	}

	async function ask_past(known, query, members)
	{
		const span = Number($('span').value);

		if (!known || (known.past_span === span &&
				Date.now() - known.past_time < past_ms))
			return;
		const answer = await ask(`/api/history.json?${query}&last-ms=${span}`);

		/* An ebbd that keeps none says so, and one that is busy. */
		if (answer.trouble === 'busy')
			return;
		known.past = answer.points ? take_past(answer, members) : [];
		known.past_span = span;
		known.past_time = Date.now();
	}

	async function ask_pasts()
	{
		const budget = $('budget').value;

		await ask_past(budgets.get(budget),
			`budget=${encodeURIComponent(budget)}`, past_of_budget);
		show_budget();
		if (!selected)
			return;
		await ask_past(guests.get(selected),
			`domain=${encodeURIComponent(selected)}`, past_of_domain);
		show_detail();
	}

	/* All that is known of that span, the past first. */
	function drawn(known)
	{
		const begin = known.samples[known.samples.length - 1].time -
			Number($('span').value);
		const opened = known.samples[0].time;

		return [...(known.past || []).filter(sample => sample.time < opened),
			...known.samples].filter(sample => sample.time >= begin);
	}

	/* Pressure is known of the past alone. */
	function plot_pressure(figure, canvas, known)
	{
		const samples = (known.past || []).filter(
			sample => sample.pressure !== undefined);

		$(figure).hidden = !samples.length;
		if (samples.length)
			Draw.plot($(canvas), known.past,
				[{name: 'pressure', member: 'pressure'}], Draw.as_part);
	}

	/* ---- the head ---- */

	function show_status(text, css)
	{
		const status = $('status');

		set_text(status, text);
		status.className = css;
	}

	function show_trouble(text)
	{
		$('trouble').hidden = !text;
		set_text($('trouble'), text && live_time
			? `${text} What is below was so ${
				Draw.age((Date.now() - live_time) / 1000)} ago.`
			: text);
		document.body.classList.toggle('old', Boolean(text));
	}

	function policy_words(policy)
	{
		if (!policy)
			return '';
		if (!policy.policy_enabled)
			return 'The policy is off';
		if (policy.policy_paused)
			return 'The policy is paused by a person';
		return policy.policy_dry_run ? 'The policy takes nothing: dry run'
			: 'The policy is on';
	}

	function show_head()
	{
		const ebbd = live.ebbd || {};

		if (live.trouble)
			show_status('Not all is well', 'warn');
		else
			show_status('All answers came', 'good');
		set_text($('policy'), policy_words(live.policy));
		set_text($('place'), `at ${location.hostname}, ${ebbd.uri || ''}`);
		set_text($('versions'), `ebbd ${ebbd.version || Draw.unknown}, ` +
			`ebb-exporter ${live.exporter_version}`);
	}

	/* ---- the host ---- */

	function tile(name, value, css)
	{
		const group = make('div', $('tiles'));

		make('dt', group, name);
		make('dd', group, value, css);
	}

	function budget_state(budget)
	{
		if (budget.emergency)
			return ['emergency', 'bad'];
		return budget.in_need ? ['in need', 'warn'] : ['none', 'good'];
	}

	/* "at least" where that of some is not known. */
	function all_resident()
	{
		const running = [...guests.values()].map(guest => guest.now)
			.filter(guest => guest.rung);
		const known = running.filter(guest => guest.resident_bytes !== undefined);
		const sum = known.reduce((all, guest) => all + guest.resident_bytes, 0);

		return (known.length < running.length ? '≥ ' : '') + Draw.size(sum);
	}

	function show_budget()
	{
		const known = budgets.get($('budget').value);
		const budget = known && known.now;

		$('tiles').replaceChildren();
		if (!budget) {
			set_text($('budget-text'),
				'The policy is off, or has not looked yet.');
			return;
		}
		set_text($('budget-text'), budget.text || '');
		tile('Has', Draw.size(budget.limit_bytes));
		tile('Available', Draw.size(budget.available_bytes));
		tile('Resident of all guests', all_resident());
		tile('Need', ...budget_state(budget));
		tile('It needs', Draw.size(budget.need_bytes));
		tile('May be taken back', Draw.size(budget.debt_bytes));
		tile('Cover', Draw.size(budget.cover_bytes));
		tile('Covered', budget.covered ? 'yes' : 'no',
			budget.covered ? 'good' : 'bad');
		tile('Mins of guests', Draw.size(budget.min_bytes),
			budget.mins_fit ? '' : 'bad');
		const samples = drawn(known);

		Draw.plot($('chart-available'), samples, [
			{name: 'available', member: 'available'},
			{name: 'need begins', member: 'low', dash: true},
			{name: 'need ends', member: 'high', dash: true},
		]);
		Draw.plot($('chart-debt'), samples, [
			{name: 'may be taken back', member: 'debt'},
			{name: 'cover', member: 'cover', dash: true},
		]);
		plot_pressure('figure-pressure', 'chart-pressure', known);
	}

	function show_budgets()
	{
		const select = $('budget');
		const names = (live.budgets || []).map(budget => budget.name);
		const shown = [...select.options].map(option => option.value);

		if (names.join('\n') !== shown.join('\n')) {
			const chosen = select.value;

			select.replaceChildren();
			for (const name of names)
				make('option', select, name).value = name;
			if (names.includes(chosen))
				select.value = chosen;
		}
		show_budget();
	}

	/* ---- the guests ---- */

	/* Parts of its memory: in use, resident but free, not known which, swapped. */
	function bar_parts(guest)
	{
		const all = guest.memory_bytes || 1;
		const resident = guest.resident_bytes || 0;
		const swapped = (guest.swapped_bytes || 0) / all;

		if (guest.free_bytes === undefined)
			return [0, 0, resident / all, swapped];
		const used = Math.max(0, Math.min(resident, guest.memory_bytes -
			(guest.balloon_bytes || 0) - guest.free_bytes));

		return [used / all, (resident - used) / all, 0, swapped];
	}

	function make_row(uuid)
	{
		const row = make('tr');
		const cells = columns.map(column => make('td', row, undefined,
			column.number ? 'number' : column.words ? 'words' : ''));
		const button = make('button', cells[0]);
		const bar = make('div', cells[2], undefined, 'bar');
		const parts = ['used', 'idle', 'unsaid', 'swapped'].map(
			css => make('span', bar, undefined, css));

		button.type = 'button';
		button.addEventListener('click', () => select(uuid, true));
		return {row, cells, button, bar, parts};
	}

	function fill_row(uuid, guest)
	{
		const {row, cells, button, parts} = rows.get(uuid);

		set_text(button, guest.name);
		button.title = guest.name;
		bar_parts(guest).forEach((part, index) => {
			parts[index].style.width = `${(100 * part).toFixed(2)}%`;
		});
		columns.forEach((column, index) => {
			if (column.number)
				set_text(cells[index], Draw.size(guest[column.member]));
			else if (column.text)
				set_text(cells[index], column.text(guest) || Draw.unknown);
			if (column.words)
				cells[index].title = cells[index].textContent;
		});
		if (uuid === selected)
			row.setAttribute('aria-current', 'true');
		else
			row.removeAttribute('aria-current');
	}

	/* What is not known comes last, however it is sorted. */
	function compare(a, b)
	{
		const member = columns[sort.index].member;
		const x = a[1].now[member], y = b[1].now[member];
		const sign = sort.down ? -1 : 1;

		if (x === undefined || y === undefined)
			return (x === undefined) - (y === undefined);
		if (typeof x === 'string')
			return sign * x.localeCompare(y, 'en', {numeric: true});
		return sign * (x - y);
	}

	function show_guests()
	{
		const wanted = $('filter').value.toLowerCase();
		const body = $('rows');
		const shown = [...guests].filter(([, guest]) =>
			`${guest.now.name} ${guest.now.rung || ''} ${guest.now.policy_state || ''}`
				.toLowerCase().includes(wanted)).sort(compare);

		for (const uuid of rows.keys())
			if (!guests.has(uuid))
				rows.delete(uuid);
		shown.forEach(([uuid, guest], index) => {
			if (!rows.has(uuid))
				rows.set(uuid, make_row(uuid));
			fill_row(uuid, guest.now);
			/* A row that is where it belongs keeps the focus. */
			if (body.children[index] !== rows.get(uuid).row)
				body.insertBefore(rows.get(uuid).row,
					body.children[index] || null);
		});
		while (body.children.length > shown.length)
			body.lastElementChild.remove();
		set_text($('count'), shown.length === guests.size ? `${guests.size}`
			: `${shown.length} of ${guests.size}`);
	}

	function make_head()
	{
		columns.forEach((column, index) => {
			const cell = make('th', $('head'), undefined,
				column.number ? 'number' : '');
			const button = make('button', cell, column.name);

			cell.scope = 'col';
			button.type = 'button';
			button.addEventListener('click', () => {
				sort = {index, down: sort.index === index
					? !sort.down : Boolean(column.number)};
				show_sort();
				show_guests();
			});
		});
		show_sort();
	}

	function show_sort()
	{
		[...$('head').children].forEach((cell, index) => {
			if (index === sort.index)
				cell.setAttribute('aria-sort',
					sort.down ? 'descending' : 'ascending');
			else
				cell.removeAttribute('aria-sort');
			set_text(cell.firstElementChild, columns[index].name +
				(index !== sort.index ? '' : sort.down ? ' ▼' : ' ▲'));
		});
	}

	/* ---- one guest ---- */

	function fact(name, value)
	{
		make('dt', $('detail-facts'), name);
		make('dd', $('detail-facts'), value || Draw.unknown);
	}

	function decision_words(guest)
	{
		if (guest.decision_age_seconds === undefined)
			return 'none yet';
		return `${Draw.age(guest.decision_age_seconds)} ago: ` +
			`${guest.decision_text || ''}; ` +
			`${Draw.size(guest.decision_came_bytes)} of ` +
			`${Draw.size(guest.decision_asked_bytes)} came` +
			(guest.decision_ended ? `: ${guest.decision_ended}`
				: ', and it is under way');
	}

	function show_detail()
	{
		const known = guests.get(selected);
		const guest = known && known.now;

		$('detail').hidden = !guest;
		if (!guest)
			return;
		set_text($('detail-title'), guest.name);
		$('detail-facts').replaceChildren();
		fact('State', guest.state);
		fact('Rung', guest.rung);
		fact('Mode', guest.mode);
		fact('Memory', Draw.size(guest.memory_bytes));
		fact('Held by a balloon', Draw.size(guest.balloon_bytes));
		fact('Resident', Draw.size(guest.resident_bytes));
		fact('In the host\'s swap', Draw.size(guest.swapped_bytes));
		fact('Lent', Draw.size(guest.lent_bytes));
		fact('Free, by its word', `${Draw.size(guest.free_bytes)}, in huge ranges ${
			Draw.size(guest.free_huge_bytes)}`);
		fact('That is so old', Draw.age(guest.facts_age_seconds));
		fact('Works with', Draw.size(guest.working_set_bytes));
		fact('Min, max, shares', `${Draw.size(guest.min_bytes)}, ${
			guest.max_bytes ? Draw.size(guest.max_bytes) : 'none'}, ${
			guest.shares === undefined ? Draw.unknown : guest.shares}`);
		if (guest.target_bytes)
			fact('Free target', `${Draw.size(guest.target_bytes)}, pursues ${
				Draw.size(guest.target_effective_bytes)} ${
				guest.target_reason || ''}`);
		fact('Targets dropped for pressure', guest.target_drops_total === undefined
			? Draw.unknown : `${guest.target_drops_total}`);
		fact('Taken so far', Draw.size(guest.reclaimed_bytes_total));
		set_text($('detail-policy'), guest.text || Draw.unknown);
		set_text($('detail-decision'), decision_words(guest));
		$('detail-closed').hidden = !(guest.reasons || []).length;
		$('detail-reasons').replaceChildren();
		for (const reason of guest.reasons || [])
			make('li', $('detail-reasons'),
				`${reason.name}: ${reason.text || ''}. ${reason.remedy || ''}`);
		Draw.plot($('chart-guest'), drawn(known), [
			{name: 'resident', member: 'resident'},
			{name: 'free', member: 'free'},
			{name: 'works with', member: 'works', dash: true},
			{name: 'lent', member: 'lent'},
		]);
		plot_pressure('figure-strain', 'chart-strain', known);
	}

	function select(uuid, focus)
	{
		const before = rows.get(selected);

		selected = uuid;
		history.replaceState(null, '', uuid ? `#${uuid}` : location.pathname);
		show_guests();
		show_detail();
		past_turn();
		if (focus && uuid)
			$('detail-title').focus();
		else if (focus && before)
			before.button.focus();
	}

	/* ---- decisions ---- */

	function show_decisions()
	{
		const last = [...guests.values()].map(guest => guest.now)
			.filter(guest => guest.decision_age_seconds !== undefined)
			.sort((a, b) => a.decision_age_seconds - b.decision_age_seconds)
			.slice(0, 20);
		const list = $('decisions');

		list.replaceChildren();
		for (const guest of last) {
			const item = make('li', list);

			make('b', item, guest.name);
			item.append(` ${decision_words(guest)}`);
		}
		if (!last.length)
			make('li', list, 'none yet');
	}

	/* ---- the turn ---- */

	function show_all()
	{
		show_head();
		show_budgets();
		show_guests();
		show_detail();
		show_decisions();
	}

	/* One at a time; what goes wrong here shows in what is drawn, and with turn(). */
	async function past_turn()
	{
		if (asks_past)
			return;
		asks_past = true;
		try {
			await ask_pasts();
		} catch (error) {
			console.debug(error);
		}
		asks_past = false;
	}

	function show_answer(answer)
	{
		if (!answer.up) {
			show_status('ebbd does not answer', 'bad');
			show_trouble(`${answer.trouble}.`);
			return;
		}
		live = answer;
		live_time = Date.now();
		take(answer, live_time);
		show_all();
		show_trouble('');
		past_turn();
		if (answer.trouble) {
			$('trouble').hidden = false;
			set_text($('trouble'), answer.trouble);
		}
	}

	/* What goes wrong there is a fault of this page. */
	function try_to_show(answer)
	{
		try {
			show_answer(answer);
		} catch (error) {
			console.error(error);
			show_status('This page has a fault', 'bad');
			show_trouble(`This page cannot show what ebb-exporter says: ${
				error.message}.`);
		}
	}

	/* One at a time: each sets the timer of the next. */
	async function turn()
	{
		let answer = null;

		if (turning)
			return;
		turning = true;
		try {
			answer = await ask('/api/live.json');
		} catch (error) {
			show_status('ebb-exporter does not answer', 'bad');
			show_trouble(`${error.message}. See: systemctl status ebb-exporter.`);
		}
		if (answer)
			try_to_show(answer);
		document.body.dataset.turned = 'yes';
		turning = false;
		if (!held && !document.hidden)
			timer = setTimeout(turn, guests.size > rows_quick ? 4000 : 2000);
	}

	function on_pause()
	{
		held = !held;
		$('pause').setAttribute('aria-pressed', String(held));
		set_text($('pause'), held ? 'Go on' : 'Hold still');
		clearTimeout(timer);
		if (!held)
			turn();
	}

	make_head();
	for (const span of spans)
		make('option', $('span'), span.name).value = String(span.ms);
	$('span').value = String(spans[1].ms);
	$('span').addEventListener('change', () => {
		if (live)
			show_all();
		past_turn();
	});
	$('pause').addEventListener('click', on_pause);
	$('filter').addEventListener('input', show_guests);
	$('budget').addEventListener('change', show_budget);
	$('close').addEventListener('click', () => select(null, true));
	document.addEventListener('keydown', event => {
		if (event.key === 'Escape' && selected)
			select(null, true);
	});
	window.addEventListener('resize', () => {
		if (live) {
			show_budget();
			show_detail();
		}
	});
	document.addEventListener('visibilitychange', () => {
		clearTimeout(timer);
		if (!document.hidden && !held)
			turn();
	});
	turn();
})();
