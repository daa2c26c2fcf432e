// Every word of head office's screens, in four languages: English, Korean, Japanese, Polish, always in this order. A test
// fails when a language or a placeholder is missing.

import { COLUMNS, NOTES, WORDS } from "./report_texts.js";

export const LANGUAGES = ["en", "ko", "ja", "pl"];

export const TEXTS = {
  head_office: ["Head office", "본사", "本部", "Centrala"],
  views: ["Views", "화면", "画面", "Widoki"],
  skip: ["Skip to content", "본문으로 건너뛰기", "本文へ移動", "Przejdź do treści"],
  language: ["Language", "언어", "言語", "Język"],
  user: ["User", "사용자", "ユーザー", "Użytkownik"],
  password: ["Password", "비밀번호", "パスワード", "Hasło"],
  sign_in: ["Sign in", "로그인", "サインイン", "Zaloguj się"],
  sign_out: ["Sign out", "로그아웃", "サインアウト", "Wyloguj się"],
  loading: ["Loading …", "불러오는 중…", "読み込み中…", "Wczytywanie…"],
  no_answer: ["Head office did not answer. It is asked again.", "본사 서버가 응답하지 않았습니다. 다시 요청합니다.", "本部サーバーが応答しませんでした。再度問い合わせます。", "Centrala nie odpowiedziała. Zapytamy ponownie."],
  never: ["never", "없음", "なし", "nigdy"],
  just_now: ["just now", "방금", "たった今", "przed chwilą"],
  nothing_here: ["Nothing here.", "항목이 없습니다.", "該当はありません。", "Nic tu nie ma."],
  view_stores: ["Stores", "매장", "店舗", "Sklepy"],
  view_incidents: ["Incidents", "사고", "インシデント", "Incydenty"],
  view_dead_letters: ["Dead letters", "미처리 항목", "未処理の記録", "Wpisy niezastosowane"],
  view_bundles: ["Bundles", "변경 묶음", "変更のまとまり", "Pakiety zmian"],
  view_reports: ["Reports", "보고서", "レポート", "Raporty"],
  // The board of stores
  stores: ["Stores", "매장 수", "店舗数", "Liczba sklepów"],
  silent_stores: ["Silent stores", "연락 없는 매장", "応答のない店舗", "Sklepy bez kontaktu"],
  queued: ["Entries still at stores", "매장에 대기 중인 기록", "店舗で待機中の記録", "Wpisy czekające w sklepach"],
  exposure_max: ["Most that can be lost now", "지금 가능한 최대 손실", "現在の最大損失見込み", "Największa możliwa strata teraz"],
  no_stores: ["No store is known yet.", "등록된 매장이 아직 없습니다.", "登録された店舗はまだありません。", "Nie ma jeszcze żadnego sklepu."],
  admit: ["Add a store", "매장 추가", "店舗を追加", "Dodaj sklep"],
  admit_note: ["Its code stands in every receipt number and is the store's for ever. The code of a store that is here already, such as after a lost disk, gives it a new enrolment code.", "매장 코드는 모든 영수증 번호에 들어가며 바꿀 수 없습니다. 이미 있는 매장 코드를 입력하면(디스크를 잃은 경우 등) 새 등록 코드가 나옵니다.", "店舗コードはすべてのレシート番号に入り、変更できません。すでにある店舗コードを入力すると(ディスクを失ったときなど)新しい登録コードが出ます。", "Kod stoi w każdym numerze paragonu i zostaje na zawsze. Kod sklepu, który już tu jest, na przykład po utracie dysku, daje mu nowy kod rejestracji."],
  admit_do: ["Add", "추가", "追加", "Dodaj"],
  store_code: ["Code of the store", "매장 코드", "店舗コード", "Kod sklepu"],
  store_name: ["Name", "이름", "名前", "Nazwa"],
  type_at_store: ["Type this at {store} before {time}:", "{time} 전에 {store} 매장에서 입력하세요:", "{time} までに {store} の店舗で入力してください:", "Wpisz to w sklepie {store} przed {time}:"],
  board_note: ["The board looks again every 15 seconds. Chain: newest entry held here and the beginning of its hash.", "15초마다 새로 고칩니다. 체인: 본사가 가진 가장 새로운 기록 번호와 해시의 앞부분.", "15秒ごとに更新します。チェーン: 本部が保持する最新の記録番号とハッシュの先頭。", "Tablica odświeża się co 15 sekund. Łańcuch: najnowszy wpis w centrali i początek jego skrótu."],
  board_store: ["Store", "매장", "店舗", "Sklep"],
  board_state: ["State", "상태", "状態", "Stan"],
  board_last_contact: ["Last contact", "마지막 연락", "最終連絡", "Ostatni kontakt"],
  board_queued: ["Queued", "대기", "待ち", "W kolejce"],
  board_chain: ["Chain", "체인", "チェーン", "Łańcuch"],
  board_clock: ["Clock", "시계 차이", "時計のずれ", "Zegar"],
  board_printers: ["Printers", "프린터", "プリンター", "Drukarki"],
  board_version: ["Version", "버전", "バージョン", "Wersja"],
  board_bundle: ["Bundle", "변경 묶음", "変更のまとまり", "Pakiet"],
  bundle_due: ["{version} is due", "{version}번 적용 예정", "{version} 番が適用待ち", "oczekiwany {version}"],
  board_exposure: ["Exposure", "위험 한도", "リスク上限", "Ryzyko"],
  to_apply: ["{count} to apply", "{count}건 반영 대기", "反映待ち {count} 件", "{count} do zastosowania"],
  // Bundles of prices, offers and rules
  bundles_note: ["Prices, offers and rules begin together, in every store at the same instant. A store without a line begins as soon as it hears of them.", "가격, 혜택, 규칙은 모든 매장에서 같은 순간에 함께 시작됩니다. 연결이 끊긴 매장은 소식을 받는 즉시 시작합니다.", "価格・特典・ルールは全店舗で同じ時刻に一斉に始まります。回線が切れている店舗は、届き次第すぐに始めます。", "Ceny, oferty i reguły zaczynają się razem, w każdym sklepie w tej samej chwili. Sklep bez łączności zaczyna, gdy tylko się o nich dowie."],
  bundle_version: ["No.", "번호", "番号", "Nr"],
  bundle_ends: ["ends", "종료", "終了", "koniec"],
  bundle_title: ["What", "내용", "内容", "Co"],
  bundle_scope: ["For", "대상", "対象", "Dla"],
  bundle_active_from: ["Begins", "시작", "開始", "Początek"],
  bundle_state: ["State", "상태", "状態", "Stan"],
  bundle_changes: ["Changes", "변경 수", "変更数", "Zmiany"],
  bundle_stores: ["Stores", "매장", "店舗", "Sklepy"],
  bundle_decide: ["Decide", "결정", "決定", "Decyzja"],
  zone_named: ["zone {zone}", "{zone} 구역", "ゾーン {zone}", "strefa {zone}"],
  one_store: ["one store", "매장 한 곳", "1店舗のみ", "jeden sklep"],
  stores_late: ["{count} late", "지연 {count}곳", "遅れ {count} 店舗", "spóźnione: {count}"],
  stores_refused: ["{count} cannot use it", "적용 불가 {count}곳", "適用できない {count} 店舗", "nie mogą użyć: {count}"],
  withdraw: ["Withdraw", "철회", "取り消す", "Wycofaj"],
  withdraw_sure: ["It will begin in no store. Withdraw it?", "어느 매장에서도 시작되지 않습니다. 철회할까요?", "どの店舗でも始まらなくなります。取り消しますか？", "Nie zacznie się w żadnym sklepie. Wycofać?"],
  // Incidents and dead letters
  incident_kind: ["What", "내용", "内容", "Co"],
  incident_store: ["Store", "매장", "店舗", "Sklep"],
  incident_amount: ["By how much", "규모", "規模", "O ile"],
  incident_refs: ["About", "대상", "対象", "Dotyczy"],
  incident_opened_at: ["Since", "발생", "発生", "Od"],
  incident_decide: ["What was done", "조치", "対応", "Co zrobiono"],
  incident_resolution: ["What was done", "조치", "対応", "Co zrobiono"],
  what_was_done: ["What was found out and done", "확인한 내용과 조치", "判明したことと対応", "Co ustalono i zrobiono"],
  resolve: ["Resolve", "해결", "解決", "Rozwiąż"],
  letters_note: ["These entries are kept and lie in the books of their store; here they had no effect yet.", "이 기록은 보관되며 매장 장부에는 있습니다. 본사에는 아직 반영되지 않았습니다.", "これらの記録は保管され、店舗の帳簿にはあります。本部にはまだ反映されていません。", "Te wpisy są zachowane i są w księgach sklepu; tutaj jeszcze nie zadziałały."],
  letter_store: ["Store", "매장", "店舗", "Sklep"],
  letter_entry: ["Entry", "기록", "記録", "Wpis"],
  letter_kind: ["Kind", "종류", "種類", "Rodzaj"],
  letter_why: ["Why", "이유", "理由", "Powód"],
  letter_tries: ["Tries", "시도", "試行", "Próby"],
  letter_last_at: ["Last try", "마지막 시도", "最終試行", "Ostatnia próba"],
  letter_decide: ["Decide", "결정", "決定", "Decyzja"],
  replay: ["Try again", "다시 시도", "再試行", "Spróbuj ponownie"],
  dismiss: ["Leave it out", "제외", "除外する", "Pomiń"],
  dismiss_sure: ["Shall this entry have no effect at head office, for good?", "이 기록을 본사에 영구히 반영하지 않을까요?", "この記録を本部に恒久的に反映しないことにしますか?", "Czy ten wpis ma na stałe nie działać w centrali?"],
  // Reports
  from: ["From", "시작일", "開始日", "Od"],
  to: ["To", "종료일", "終了日", "Do"],
  store: ["Store", "매장", "店舗", "Sklep"],
  all_stores: ["All stores", "모든 매장", "全店舗", "Wszystkie sklepy"],
  show: ["Show", "보기", "表示", "Pokaż"],
  books: ["For the books (CSV)", "회계용 (CSV)", "会計用 (CSV)", "Do księgowości (CSV)"],
  data_until: ["Data until {time}.", "{time}까지의 자료.", "{time} までのデータ。", "Dane do {time}."],
  data_missing: ["Not heard of lately, so newer figures are missing: {stores}.", "최근 연락이 없어 새 수치가 빠진 매장: {stores}.", "連絡がなく最新の数字が欠けている店舗: {stores}。", "Bez kontaktu, więc brak nowszych danych: {stores}."],
  no_figures: ["No figures in these days.", "이 기간에는 수치가 없습니다.", "この期間の数字はありません。", "Brak danych w tych dniach."],
  more_rows: ["{count} more rows: take the CSV.", "{count}행이 더 있습니다. CSV를 이용하세요.", "ほかに {count} 行あります。CSV をご利用ください。", "Jeszcze {count} wierszy: pobierz CSV."],
  report_sales: ["Sales", "매출", "売上", "Sprzedaż"],
  report_tenders: ["Payments", "결제 수단", "支払方法", "Płatności"],
  report_taxes: ["Taxes", "세금", "税", "Podatki"],
  report_points: ["Points", "포인트", "ポイント", "Punkty"],
  report_points_liability: ["Points liability", "포인트 부채", "ポイント負債", "Zobowiązanie z punktów"],
  report_redemptions: ["Redemptions", "사용 및 거절", "利用と拒否", "Realizacje"],
  report_offers: ["Offers and lift", "혜택과 효과", "特典と効果", "Oferty i efekt"],
  report_segments: ["Segments", "고객 분류", "顧客区分", "Segmenty"],
  report_retention: ["Retention", "재구매율", "継続率", "Retencja"],
  report_lifetime_value: ["Lifetime value", "고객 생애 가치", "顧客生涯価値", "Wartość klienta"],
  report_cash_up: ["Cash-up", "마감 차이", "締め差異", "Rozliczenie kas"],
  report_day_closes: ["Day closes", "일 마감 확인", "日次締め確認", "Zamknięcia dni"],
  report_exposure: ["Exposure", "위험 한도", "リスク上限", "Ryzyko"],
  report_attribution: ["Attribution", "구매 기여", "購買のきっかけ", "Atrybucja"],
  report_channels: ["Channels", "채널", "チャネル", "Kanały"],
  chart_due_by_day: ["Due by day", "일별 매출", "日別売上", "Należność wg dnia"],
  chart_sales_by_hour: ["Number of sales by weekday and hour", "요일·시간별 판매 건수", "曜日・時間別の販売件数", "Liczba sprzedaży wg dnia i godziny"],
  chart_taken_by_kind: ["Taken and refunded by kind", "수단별 수납과 환불", "方法別の受取と返金", "Przyjęto i zwrócono wg rodzaju"],
  chart_tax_by_rate: ["Tax by rate", "세율별 세액", "税率別の税額", "Podatek wg stawki"],
  chart_points_by_kind: ["Points by kind", "종류별 포인트", "種類別ポイント", "Punkty wg rodzaju"],
  chart_points_by_age: ["Points outstanding by age in days", "경과 일수별 미사용 포인트", "経過日数別の未使用ポイント", "Punkty wg wieku w dniach"],
  chart_points_by_end: ["Points outstanding by days left", "남은 일수별 미사용 포인트", "残り日数別の未使用ポイント", "Punkty wg pozostałych dni"],
  chart_times_by_kind: ["Redemptions and refusals", "사용과 거절", "利用と拒否", "Realizacje i odmowy"],
  chart_discount_by_offer: ["Discount by offer", "혜택별 할인", "特典別の値引", "Rabat wg oferty"],
  chart_lift: ["Lift for a member, with its interval", "회원당 효과와 구간", "会員あたりの効果と区間", "Efekt na klienta z przedziałem"],
  chart_rfm_grid: ["Members by recency and frequency", "최근성·빈도별 회원", "最新性・頻度別の会員", "Klienci wg świeżości i częstości"],
  chart_members_by_segment: ["Members by segment", "분류별 회원", "区分別の会員", "Klienci wg segmentu"],
  chart_retention_grid: ["Active members in percent, by month of the first purchase", "첫 구매 월별 활동 회원 비율(%)", "初回購入月別の継続会員率(%)", "Aktywni klienci w procentach wg miesiąca pierwszego zakupu"],
  chart_kept_per_member: ["Kept per member, by month of the first purchase", "첫 구매 월별 회원당 순매출", "初回購入月別の会員あたり純売上", "Zachowane na klienta wg miesiąca pierwszego zakupu"],
  chart_variance_by_day: ["Over and short by day", "일별 과부족", "日別の過不足", "Nadwyżki i braki wg dnia"],
  chart_exposure_by_store: ["Exposure by store", "매장별 위험 한도", "店舗別リスク上限", "Ryzyko wg sklepu"],
  chart_spending_by_touch: ["Spending by first and last touch", "첫·마지막 접점별 지출", "最初と最後の接点別の支出", "Wydatki wg pierwszego i ostatniego kontaktu"],
  chart_members_by_channels: ["Members by number of channels", "이용 채널 수별 회원", "利用チャネル数別の会員", "Klienci wg liczby kanałów"],
};

let at = 0;

export const language = () => LANGUAGES[at];

// How figures and times are written: as this browser does, where it speaks the language of the screen.
export const locale = () => navigator.languages.find((each) => each.startsWith(language())) ?? language();

export function chooseLanguage(code) {
  at = Math.max(0, LANGUAGES.indexOf(code));
  document.documentElement.lang = LANGUAGES[at];
  document.title = say("head_office");
}

export const hasText = (key) => find(key) !== undefined;

// An unknown key is shown as it is: a wrong word on the screen is found sooner than an empty one.
export const say = (key, values = {}) => fill(find(key)?.[at] ?? key, values);

// A value of ours (a state, a kind, a segment) in the language of the screen; one that nobody listed as it is.
export const word = (value) => WORDS[value]?.[at] ?? String(value).replaceAll("_", " ");

function find(key) {
  if (key.startsWith("col_")) return COLUMNS[key.slice(4)];
  if (key.startsWith("note_")) return NOTES[key.slice(5)];
  return TEXTS[key];
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
