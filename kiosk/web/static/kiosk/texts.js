// Every word of the kiosk, in the four languages of the stores: English, Korean, Japanese, Polish, always in this order.
// The shopper chooses; a test fails when a language or a placeholder is missing.

export const LANGUAGES = ["en", "ko", "ja", "pl"];
export const NAMES = { en: "English", ko: "한국어", ja: "日本語", pl: "Polski" };

export const TEXTS = {
  // Frame
  kiosk_name: ["Kiosk", "키오스크", "キオスク", "Kiosk"],
  touch_or_scan: ["Touch or scan to start", "화면을 누르거나 스캔하세요", "タッチまたはスキャンで開始", "Dotknij lub zeskanuj, aby zacząć"],
  language: ["Language", "언어", "言語", "Język"],
  back: ["Back", "뒤로", "戻る", "Wstecz"],
  start_over: ["Start over", "처음으로", "最初から", "Od początku"],
  call_staff: ["Call staff", "직원 호출", "店員を呼ぶ", "Pomoc obsługi"],
  larger: ["Larger text", "글자 크게", "文字を大きく", "Większe litery"],
  smaller: ["Normal text", "글자 보통", "文字を標準に", "Zwykłe litery"],
  contrast: ["High contrast", "고대비", "ハイコントラスト", "Wysoki kontrast"],
  contrast_off: ["Normal colours", "기본 색상", "標準の色", "Zwykłe kolory"],
  tools: ["Help and display", "도움말과 화면", "ヘルプと表示", "Pomoc i wyświetlanie"],
  step: ["Step {number} of {count}", "{count}단계 중 {number}단계", "{count}ステップ中{number}", "Krok {number} z {count}"],
  step_who: ["Who you are", "본인 확인", "ご本人", "Kim jesteś"],
  step_proof: ["Proof", "인증", "認証", "Potwierdzenie"],
  step_points: ["Points", "포인트", "ポイント", "Punkty"],
  step_coupons: ["Choose", "선택", "選択", "Wybór"],
  step_consents: ["Consents", "동의", "同意", "Zgody"],
  step_phone: ["Phone", "전화번호", "電話番号", "Telefon"],
  step_pin: ["PIN", "PIN", "暗証番号", "PIN"],
  starting: ["One moment …", "잠시만 기다려 주세요…", "少々お待ちください…", "Chwileczkę…"],
  go_on: ["Continue", "계속", "次へ", "Dalej"],
  done: ["Done", "완료", "完了", "Gotowe"],
  // Pairing, closed, help, idle
  pairing_title: ["Pair this kiosk", "키오스크 연결", "このキオスクを登録", "Sparuj ten kiosk"],
  pairing_lead: ["Scan or type the code a manager has made.", "점장이 만든 코드를 스캔하거나 입력하세요.", "店長が発行したコードを読み取るか入力してください。", "Zeskanuj lub wpisz kod od kierownika."],
  pairing_code: ["Pairing code", "연결 코드", "登録コード", "Kod parowania"],
  pairing_do: ["Pair", "연결", "登録", "Sparuj"],
  closed_title: ["Closed for the moment", "잠시 이용할 수 없습니다", "ただいまご利用いただけません", "Chwilowo nieczynne"],
  closed_text: ["Nothing is lost. Please ask at the till.", "잃은 것은 없습니다. 계산대에 문의해 주세요.", "何も失われていません。レジでお尋ねください。", "Nic nie przepadło. Zapytaj przy kasie."],
  staff_title: ["Our staff will help you", "직원이 도와드립니다", "店員がお手伝いします", "Obsługa chętnie pomoże"],
  staff_text: ["Please speak to us at the till. This screen waits for you.", "계산대의 직원에게 말씀해 주세요. 이 화면은 그대로 기다립니다.", "レジの店員にお声がけください。この画面はそのままお待ちしています。", "Podejdź do kasy. Ten ekran na ciebie zaczeka."],
  staff_called: ["The tills know that you wait here. Somebody will come to you.", "계산대에 알렸습니다. 직원이 이곳으로 오겠습니다.", "レジに知らせました。店員がこちらへまいります。", "Kasy już wiedzą, że ktoś tu czeka. Zaraz ktoś podejdzie."],
  staff_back: ["Go on here", "여기서 계속", "ここで続ける", "Wróć do ekranu"],
  idle_title: ["Still there?", "아직 계신가요?", "まだご利用中ですか？", "Jesteś tam jeszcze?"],
  idle_text: ["This screen will forget you in {seconds} s.", "{seconds}초 후 이 화면의 내용이 지워집니다.", "あと {seconds} 秒で画面の内容を消去します。", "Za {seconds} s ten ekran zapomni twoje dane."],
  idle_stay: ["Yes, go on", "네, 계속할게요", "はい、続けます", "Tak, dalej"],
  // Menu
  menu_title: ["What would you like to do?", "무엇을 도와드릴까요?", "ご希望をお選びください", "Co chcesz zrobić?"],
  hello: ["Hello {name}", "{name} 님, 안녕하세요", "{name} さん、こんにちは", "Witaj, {name}"],
  job_points: ["My points", "내 포인트", "マイポイント", "Moje punkty"],
  job_points_text: ["See what you have", "적립 내역 확인", "残高を確認", "Sprawdź, ile masz"],
  job_coupons: ["Coupons & rewards", "쿠폰과 리워드", "クーポンと特典", "Kupony i nagrody"],
  job_coupons_text: ["Pick, print or show them", "고르고 인쇄하거나 화면에 표시", "選んで印刷または表示", "Wybierz, wydrukuj lub pokaż"],
  job_join: ["Join", "회원 가입", "会員登録", "Dołącz"],
  job_join_text: ["Become a member in a minute", "1분이면 가입할 수 있습니다", "1分で会員になれます", "Zostań członkiem w minutę"],
  job_consents: ["My consents", "내 동의 설정", "同意の設定", "Moje zgody"],
  job_consents_text: ["Decide what we may send", "받을 안내를 직접 선택", "お知らせの設定を変更", "Zdecyduj, co wolno nam wysyłać"],
  // Who, proof
  identify_title: ["Scan your card, or type your phone number", "카드를 스캔하거나 전화번호를 입력하세요", "カードをスキャンするか電話番号を入力してください", "Zeskanuj kartę lub wpisz numer telefonu"],
  identify_scan: ["Hold the code of your card or phone in front of the scanner.", "카드나 휴대전화의 코드를 스캐너에 대 주세요.", "カードまたは携帯電話のコードをスキャナーにかざしてください。", "Przyłóż kod z karty lub telefonu do czytnika."],
  phone: ["Phone number", "전화번호", "電話番号", "Numer telefonu"],
  people_title: ["Which of you is it?", "어느 분이신가요?", "どなたですか？", "Która to z osób?"],
  no_name: ["Member", "회원", "会員", "Członek"],
  proof_title: ["Is it you?", "본인이신가요?", "ご本人の確認", "Czy to ty?"],
  proof_scan: ["Scan the changing code in your phone, or type your PIN.", "휴대전화의 변경되는 코드를 스캔하거나 PIN을 입력하세요.", "携帯電話の変わるコードをスキャンするか、暗証番号を入力してください。", "Zeskanuj zmieniający się kod z telefonu lub wpisz PIN."],
  pin: ["PIN", "PIN", "暗証番号", "PIN"],
  pin_typed: ["{count} digits typed", "{count}자리 입력됨", "{count} 桁入力済み", "Wpisano cyfr: {count}"],
  number_pad: ["Number pad", "숫자판", "テンキー", "Klawiatura numeryczna"],
  letters: ["Letters", "글자판", "文字", "Litery"],
  erase: ["Erase", "지움", "1字消す", "Usuń"],
  space: ["Space", "띄어쓰기", "空白", "Spacja"],
  // Points
  points_title: ["Your points", "내 포인트", "現在のポイント", "Twoje punkty"],
  points_active: ["ready to use", "사용 가능", "利用可能", "do wykorzystania"],
  points_pending: ["Counted later", "적립 예정", "付与予定", "Doliczone później"],
  points_held: ["Set aside", "예약됨", "予約中", "Zarezerwowane"],
  points_debt: ["Owed", "차감 예정", "不足分", "Do odrobienia"],
  points_expiring: ["{points} end on {date}", "{points} 포인트가 {date}에 소멸", "{points} ポイントは {date} に失効", "{points} wygasa {date}"],
  points_provisional: ["The newest changes are not confirmed yet.", "최근 변동은 아직 확정되지 않았습니다.", "最新の変更はまだ確定していません。", "Najnowsze zmiany nie są jeszcze potwierdzone."],
  points_to_coupons: ["See what they bring", "무엇으로 바꿀 수 있나요?", "使い道を見る", "Zobacz, co dają"],
  // Coupons
  coupons_title: ["Coupons & rewards", "쿠폰과 리워드", "クーポンと特典", "Kupony i nagrody"],
  coupons_mine: ["Your coupons", "내 쿠폰", "お持ちのクーポン", "Twoje kupony"],
  coupons_free: ["For you", "회원님을 위한 쿠폰", "あなたへのクーポン", "Dla ciebie"],
  coupons_paid: ["For points", "포인트 교환", "ポイントと交換", "Za punkty"],
  coupons_automatic: ["At the till, by itself", "계산대에서 자동 적용", "レジで自動適用", "Przy kasie, samo"],
  coupons_none: ["There is nothing for you just now. Look in again soon.", "지금은 드릴 쿠폰이 없습니다. 다음에 다시 확인해 주세요.", "ただいまご利用いただけるクーポンはありません。", "Na razie nic tu nie ma. Zajrzyj wkrótce."],
  coupon_show: ["Show", "보기", "表示", "Pokaż"],
  coupon_take: ["Take", "받기", "受け取る", "Weź"],
  cost: ["{points} points", "{points} 포인트", "{points} ポイント", "{points} pkt"],
  until: ["until {date}", "{date}까지", "{date} まで", "do {date}"],
  reason_insufficient_points: ["not enough points yet", "포인트가 부족합니다", "ポイントが足りません", "za mało punktów"],
  reason_tier_needed: ["for another tier", "다른 등급 전용", "別の会員ランク限定", "dla innego poziomu"],
  reason_points_owed: ["points are owed first", "차감할 포인트가 있습니다", "不足分があります", "najpierw zaległe punkty"],
  reason_other: ["not possible just now", "지금은 이용할 수 없습니다", "ただいまご利用いただけません", "teraz niemożliwe"],
  confirm_title: ["Take this coupon?", "이 쿠폰을 받으시겠어요?", "このクーポンを受け取りますか？", "Wziąć ten kupon?"],
  confirm_cost: ["{points} of your {active} points will be used; {left} are left.", "보유 {active} 포인트 중 {points} 포인트를 사용하고 {left} 포인트가 남습니다.", "{active} ポイントのうち {points} ポイントを使い、残りは {left} ポイントです。", "Zużyje {points} z {active} punktów; zostanie {left}."],
  confirm_free: ["It costs no points.", "포인트가 들지 않습니다.", "ポイントは使いません。", "Nie kosztuje punktów."],
  print_it: ["Print it", "인쇄하기", "印刷する", "Wydrukuj"],
  show_it: ["Show it on this screen", "이 화면에 표시", "この画面に表示", "Pokaż na ekranie"],
  printer_down: ["The printer cannot print just now, and nothing was booked. The coupon can be shown here: take a picture of it.", "지금은 인쇄할 수 없으며, 처리된 것은 없습니다. 화면에 표시하면 사진으로 찍을 수 있습니다.", "ただいま印刷できません。まだ何も処理されていません。画面に表示して写真に撮れます。", "Drukarka teraz nie drukuje i nic nie zaksięgowano. Kupon można pokazać tutaj: zrób mu zdjęcie."],
  working: ["One moment …", "처리 중입니다…", "処理しています…", "Chwileczkę…"],
  working_again: ["We are asking again. It is booked once, and nothing is lost.", "다시 확인하고 있습니다. 한 번만 처리되며 잃는 것은 없습니다.", "再度確認しています。処理は一度だけで、何も失われません。", "Pytamy ponownie. Zaksięguje się raz i nic nie przepadnie."],
  coupon_title: ["Your coupon", "쿠폰이 준비되었습니다", "クーポンをどうぞ", "Twój kupon"],
  coupon_printing: ["It is being printed. It also counts from this screen.", "인쇄 중입니다. 이 화면으로도 사용할 수 있습니다.", "印刷しています。この画面でもご利用いただけます。", "Drukuje się. Działa też z tego ekranu."],
  coupon_picture: ["Take a picture of it, or find it here again at any time.", "사진을 찍어 두세요. 여기서 언제든 다시 볼 수 있습니다.", "写真に撮ってください。ここでいつでも再表示できます。", "Zrób zdjęcie; zawsze znajdziesz go tu ponownie."],
  coupon_code: ["Code", "코드", "コード", "Kod"],
  // Joining
  join_title: ["Your phone number", "전화번호를 입력해 주세요", "電話番号を入力してください", "Twój numer telefonu"],
  join_text: ["It recognises you at the till. The name is up to you.", "계산대에서 회원을 알아보는 데 씁니다. 이름은 선택입니다.", "レジでの確認に使います。お名前は任意です。", "Po nim poznamy cię przy kasie. Imię podajesz, jeśli chcesz."],
  name: ["Name (if you like)", "이름 (선택)", "お名前（任意）", "Imię (jeśli chcesz)"],
  asks_title: ["May we write to you?", "안내를 보내 드려도 될까요?", "お知らせをお送りしてもよろしいですか？", "Czy możemy pisać?"],
  asks_text: ["Each is up to you, and you can change it here at any time. Without a tick we send nothing.", "모두 선택이며 언제든 여기서 바꿀 수 있습니다. 표시하지 않으면 보내지 않습니다.", "すべて任意で、いつでもここで変更できます。チェックがなければお送りしません。", "Wszystko zależy od ciebie i możesz to tu zmienić. Bez zaznaczenia nic nie wyślemy."],
  asks_none: ["We have nothing to ask.", "여쭤볼 것이 없습니다.", "お尋ねすることはありません。", "Nie mamy o co pytać."],
  choose_pin: ["Choose a PIN of 4 to 8 digits", "4~8자리 PIN을 정해 주세요", "4〜8桁の暗証番号を決めてください", "Wybierz PIN, od 4 do 8 cyfr"],
  repeat_pin: ["Type it once more", "한 번 더 입력해 주세요", "もう一度入力してください", "Wpisz go jeszcze raz"],
  pin_text: ["With it you see and use your points here.", "이 PIN으로 여기서 포인트를 보고 사용합니다.", "この番号でポイントの確認と利用ができます。", "Nim potwierdzasz tu swoje punkty."],
  pin_differs: ["The two were different. Choose a PIN once more.", "두 번의 입력이 다릅니다. 다시 정해 주세요.", "2回の入力が異なります。もう一度決めてください。", "Wpisy się różnią. Wybierz PIN ponownie."],
  pin_later: ["Without a PIN", "PIN 없이 가입", "暗証番号なしで登録", "Bez PIN-u"],
  joined_title: ["Welcome! This is your card", "환영합니다! 회원 카드입니다", "ようこそ！会員カードです", "Witamy! To twoja karta"],
  joined_text: ["Take a picture of it and show it at the till.", "사진을 찍어 계산대에서 보여 주세요.", "写真に撮り、レジでご提示ください。", "Zrób zdjęcie i pokaż je przy kasie."],
  joined_no_pin: ["Set up a PIN at the till when you want to use points.", "포인트를 쓰려면 계산대에서 PIN을 정해 주세요.", "ポイントを使うときはレジで暗証番号を設定してください。", "Aby używać punktów, ustaw PIN przy kasie."],
  // Consents
  consents_title: ["What may we send you?", "무엇을 보내 드릴까요?", "お知らせの設定", "Co wolno nam wysyłać?"],
  consents_save: ["Save", "저장", "保存", "Zapisz"],
  consents_saved: ["Saved.", "저장되었습니다.", "保存しました。", "Zapisano."],
  yes: ["Yes", "예", "はい", "Tak"],
  no: ["No", "아니요", "いいえ", "Nie"],
  consent_line: ["{purpose} {channel}", "{channel} {purpose}", "{channel}による{purpose}", "{purpose} {channel}"],
  purpose_offers: ["Offers", "혜택 안내", "お得な情報", "Oferty"],
  purpose_marketing: ["Advertising", "광고", "広告", "Reklamy"],
  purpose_news: ["News", "새 소식", "お知らせ", "Nowości"],
  purpose_survey: ["Surveys", "설문", "アンケート", "Ankiety"],
  purpose_profiling: ["Personal offers", "맞춤 혜택", "パーソナライズされた情報", "Oferty dopasowane"],
  channel_sms: ["by text message (SMS)", "문자 메시지(SMS)", "SMS", "SMS-em"],
  channel_email: ["by e-mail", "이메일", "メール", "e-mailem"],
  channel_phone: ["by phone call", "전화", "電話", "telefonicznie"],
  channel_post: ["by post", "우편", "郵便", "pocztą"],
  channel_app: ["in the app", "앱", "アプリ", "w aplikacji"],
  // Problems
  no_answer: ["There was no answer. Please try again.", "응답이 없습니다. 다시 시도해 주세요.", "応答がありませんでした。もう一度お試しください。", "Brak odpowiedzi. Spróbuj ponownie."],
  given_up: ["No answer came. Points that were set aside come back by themselves; a coupon is found under your own.", "응답이 없습니다. 예약된 포인트는 저절로 돌아오고, 쿠폰은 내 쿠폰에서 찾을 수 있습니다.", "応答がありませんでした。予約されたポイントは自動で戻り、クーポンはお持ちのクーポンにあります。", "Brak odpowiedzi. Odłożone punkty same wrócą, a kupon znajdziesz wśród swoich."],
  problem_other: ["That did not work. Please ask at the till.", "처리하지 못했습니다. 계산대에 문의해 주세요.", "処理できませんでした。レジでお尋ねください。", "To się nie udało. Zapytaj przy kasie."],
  problem_unknown_member: ["We do not know this card or number.", "등록되지 않은 카드나 번호입니다.", "登録のないカードまたは番号です。", "Nie znamy tej karty ani numeru."],
  problem_card_replaced: ["This card was replaced by a new one.", "새 카드로 교체된 카드입니다.", "このカードは新しいものに交換されています。", "Ta karta została zastąpiona nową."],
  problem_wrong_phone: ["This is not a phone number.", "올바른 전화번호가 아닙니다.", "電話番号が正しくありません。", "To nie jest numer telefonu."],
  problem_member_pin_wrong: ["This PIN is wrong. After a few wrong ones it is locked.", "PIN이 틀렸습니다. 여러 번 틀리면 잠깁니다.", "暗証番号が違います。何度か間違えるとロックされます。", "Zły PIN. Po kilku pomyłkach zostanie zablokowany."],
  problem_factor_missing: ["You have not set up a PIN or code yet. Please ask at the till.", "아직 PIN이나 코드가 없습니다. 계산대에 문의해 주세요.", "暗証番号またはコードが未設定です。レジでお尋ねください。", "Nie masz jeszcze PIN-u ani kodu. Zapytaj przy kasie."],
  problem_proof_locked: ["Too many wrong tries. Wait some minutes, or ask at the till.", "여러 번 틀렸습니다. 몇 분 기다리거나 계산대에 문의해 주세요.", "間違いが続きました。数分待つか、レジでお尋ねください。", "Za dużo pomyłek. Odczekaj kilka minut lub zapytaj przy kasie."],
  problem_card_proves_nothing: ["The card only says who you are. Scan the changing code in your phone, or type your PIN.", "카드는 회원 확인용입니다. 휴대전화의 변경되는 코드를 스캔하거나 PIN을 입력하세요.", "カードだけでは確認できません。携帯電話の変わるコードをスキャンするか暗証番号を入力してください。", "Karta mówi tylko, kim jesteś. Zeskanuj zmieniający się kod z telefonu lub wpisz PIN."],
  problem_proof_unreadable: ["This is neither a PIN nor a code.", "PIN도 코드도 아닙니다.", "暗証番号でもコードでもありません。", "To nie jest ani PIN, ani kod."],
  problem_proof_ended: ["For your safety, please prove once more that it is you.", "안전을 위해 한 번 더 인증해 주세요.", "安全のため、もう一度ご確認をお願いします。", "Dla bezpieczeństwa potwierdź jeszcze raz, że to ty."],
  problem_code_wrong: ["This code is wrong. Let your phone show a new one.", "코드가 틀렸습니다. 새 코드를 표시해 주세요.", "コードが違います。新しいコードを表示してください。", "Zły kod. Niech telefon pokaże nowy."],
  problem_code_used: ["This code was used already. The next one comes in half a minute.", "이미 사용된 코드입니다. 30초 안에 새 코드가 나옵니다.", "使用済みのコードです。30秒以内に新しいコードになります。", "Ten kod już użyto. Następny pojawi się za pół minuty."],
  problem_code_of_other_time: ["This code is too old. Let your phone show a new one.", "오래된 코드입니다. 새 코드를 표시해 주세요.", "古いコードです。新しいコードを表示してください。", "Ten kod jest stary. Niech telefon pokaże nowy."],
  problem_code_of_another: ["This code belongs to somebody else.", "다른 회원의 코드입니다.", "別の会員のコードです。", "Ten kod należy do kogoś innego."],
  problem_clock_behind: ["Codes cannot be checked just now. Please use your PIN.", "지금은 코드를 확인할 수 없습니다. PIN을 사용해 주세요.", "ただいまコードを確認できません。暗証番号をお使いください。", "Kodów nie da się teraz sprawdzić. Użyj PIN-u."],
  problem_member_not_active: ["This membership has ended. Please ask at the till.", "종료된 회원입니다. 계산대에 문의해 주세요.", "この会員登録は終了しています。レジでお尋ねください。", "To członkostwo wygasło. Zapytaj przy kasie."],
  problem_paper_not_ready: ["The printer cannot print just now. Nothing was booked.", "지금은 인쇄할 수 없습니다. 처리된 것은 없습니다.", "ただいま印刷できません。何も処理されていません。", "Drukarka teraz nie drukuje. Nic nie zaksięgowano."],
  problem_coupon_held: ["You have this coupon already. It is among yours.", "이미 받은 쿠폰입니다. 내 쿠폰에 있습니다.", "すでにお持ちのクーポンです。", "Masz już ten kupon wśród swoich."],
  problem_no_coupon_offer: ["This offer has just ended.", "방금 종료된 혜택입니다.", "この特典は終了しました。", "Ta oferta właśnie się skończyła."],
  problem_reward_unknown: ["This reward has just changed. Your points were not used.", "리워드가 변경되었습니다. 포인트는 사용되지 않았습니다.", "特典が変更されました。ポイントは使われていません。", "Ta nagroda właśnie się zmieniła. Punktów nie użyto."],
  problem_reward_points: ["This reward costs other points now. Your points were not used.", "필요 포인트가 바뀌었습니다. 포인트는 사용되지 않았습니다.", "必要ポイントが変わりました。ポイントは使われていません。", "Ta nagroda kosztuje teraz inaczej. Punktów nie użyto."],
  problem_insufficient_points: ["There are not enough points.", "포인트가 부족합니다.", "ポイントが足りません。", "Za mało punktów."],
  problem_points_owed: ["Points are owed first. Nothing was used.", "먼저 차감할 포인트가 있습니다. 사용되지 않았습니다.", "先に不足分があります。使われていません。", "Najpierw trzeba odrobić punkty. Nic nie użyto."],
  problem_approval_needed: ["For so many points please go to the till.", "이만큼의 포인트는 계산대에서 사용해 주세요.", "このポイント数はレジでご利用ください。", "Tyle punktów wydasz przy kasie."],
  problem_hold_lapsed: ["That took too long. Your points were not used.", "시간이 지났습니다. 포인트는 사용되지 않았습니다.", "時間切れです。ポイントは使われていません。", "To trwało za długo. Punktów nie użyto."],
  problem_member_limit_reached: ["Head office cannot be reached, so no more points can be used today.", "본사에 연결할 수 없어 오늘은 포인트를 더 쓸 수 없습니다.", "本部に接続できないため、本日はこれ以上ポイントを使えません。", "Brak łączności z centralą, więc dziś nie użyjesz więcej punktów."],
  problem_store_limit_reached: ["Head office cannot be reached, so no more points can be used today.", "본사에 연결할 수 없어 오늘은 포인트를 더 쓸 수 없습니다.", "本部に接続できないため、本日はこれ以上ポイントを使えません。", "Brak łączności z centralą, więc dziś nie użyjesz więcej punktów."],
  problem_account_too_old: ["Head office cannot be reached, so points cannot be used just now.", "본사에 연결할 수 없어 지금은 포인트를 쓸 수 없습니다.", "本部に接続できないため、現在ポイントを使えません。", "Brak łączności z centralą, więc punktów teraz nie użyjesz."],
  problem_account_unknown: ["Head office cannot be reached, so points cannot be used just now.", "본사에 연결할 수 없어 지금은 포인트를 쓸 수 없습니다.", "本部に接続できないため、現在ポイントを使えません。", "Brak łączności z centralą, więc punktów teraz nie użyjesz."],
  problem_lease_needed: ["Head office cannot be reached, so points cannot be used just now.", "본사에 연결할 수 없어 지금은 포인트를 쓸 수 없습니다.", "本部に接続できないため、現在ポイントを使えません。", "Brak łączności z centralą, więc punktów teraz nie użyjesz."],
};

let at = 0;

export function setLanguage(locale) {
  at = Math.max(0, LANGUAGES.indexOf(locale));
  document.documentElement.lang = LANGUAGES[at];
  document.title = say("kiosk_name");
}

export const hasText = (key) => key in TEXTS;

// The same text in another language: the first picture greets in all of them.
export const sayIn = (language, key) => TEXTS[key][LANGUAGES.indexOf(language)];

// An unknown key is shown as it is: a wrong word on the screen is found sooner than an empty one.
export function say(key, values = {}) {
  const text = TEXTS[key]?.[at] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

// "Offers by text message"; a channel or purpose the kiosk has no word for is shown as the shop wrote it.
export function sayConsent({ channel, purpose }) {
  const word = (kind, name) => (hasText(`${kind}_${name}`) ? say(`${kind}_${name}`) : name.replaceAll("_", " "));
  return say("consent_line", { channel: word("channel", channel), purpose: word("purpose", purpose) });
}
